/**
 * POST /cart/lines, from a form: `variant` and `quantity` put something in the cart, `line` and `quantity` change a line.
 *
 * A route and not a server action: an action's name changes with each build, and a page that the last version
 * rendered must still be able to post to the next one, while both serve or just after they changed places.
 */
import type { NextRequest } from "next/server"
import { cartId, rememberCart } from "@/lib/cart"
import { addLine, cartById, createCart, MedusaError, setQuantity } from "@/lib/medusa"
import { visitorsRegion } from "@/lib/region"

const MOST = 99 // pieces of one thing in a cart

const seeOther = (location: string) => new Response(null, { status: 303, headers: { location } })
const refused = (status: number, reason: string) => new Response(`${reason}\n`, { status })

export async function POST(request: NextRequest): Promise<Response> {
  if (request.headers.get("sec-fetch-site") === "cross-site") return refused(403, "Carts are filled from this store only")
  const form = await request.formData()
  const text = (name: string) => String(form.get(name) ?? "")
  const [variant, line, quantity] = [text("variant"), text("line"), Number(text("quantity") || 1)]
  if (!variant === !line) return refused(400, "Either variant or line is needed")
  if (!Number.isInteger(quantity) || quantity < (line ? 0 : 1) || quantity > MOST) {
    return refused(400, `quantity is a whole number up to ${MOST}`)
  }
  try {
    await (line ? change(line, quantity) : add(variant, quantity))
  } catch (error) {
    // Medusa answers 400 for what cannot be had in this number.
    if (error instanceof MedusaError && error.status === 400) return seeOther("/cart?problem=refused")
    console.error("cart not changed", error)
    return seeOther("/cart?problem=unreachable")
  }
  return seeOther("/cart")
}

async function add(variant: string, quantity: number): Promise<void> {
  const known = await cartId()
  const cart = (known && (await cartById(known))) || (await createCart(await visitorsRegion()))
  await addLine(cart.id, variant, quantity)
  await rememberCart(cart.id)
}

async function change(line: string, quantity: number): Promise<void> {
  const id = await cartId()
  if (!id) return
  try {
    await setQuantity(id, line, quantity)
  } catch (error) {
    // The line or the cart is gone already (another tab): what the page shows next is the truth.
    if (!(error instanceof MedusaError && error.status === 404)) throw error
  }
}
