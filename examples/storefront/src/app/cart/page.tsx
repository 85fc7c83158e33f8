import type { Metadata } from "next"
import Link from "next/link"
import { Picture } from "@/components/picture"
import { currentCart } from "@/lib/cart"
import { money } from "@/lib/money"

export const metadata: Metadata = { title: "Cart" }

const PROBLEMS: Record<string, string> = {
  refused: "That many are not in stock; your cart is as it was.",
  unreachable: "That did not work just now; your cart is as it was. Please try again.",
}

type Props = { searchParams: Promise<{ problem?: string }> }

export default async function CartPage({ searchParams }: Props) {
  const { problem } = await searchParams
  const told = problem && PROBLEMS[problem]
  const cart = await currentCart()
  return (
    <>
      <h1>Cart</h1>
      {told && <p role="alert">{told}</p>}
      {!cart?.items.length ? (
        <p>
          Nothing in it yet. <Link href="/">See what there is</Link>
        </p>
      ) : (
        <>
          <table data-testid="cart">
            <tbody>
              {cart.items.map((item) => (
                <tr key={item.id}>
                  <td>
                    <Picture source={item.thumbnail} alt="" variant="thumbnail" />
                  </td>
                  <td>
                    <Link href={`/products/${item.product_handle}`} prefetch={false}>
                      {item.product_title}
                    </Link>
                    <br />
                    {item.variant_title}
                  </td>
                  <td>
                    <form action="/cart/lines" method="post">
                      <input type="hidden" name="line" value={item.id} />
                      <input
                        name="quantity"
                        type="number"
                        min={0}
                        max={99}
                        defaultValue={item.quantity}
                        aria-label={`Quantity of ${item.product_title}`}
                      />
                      <button type="submit">Change</button>
                    </form>
                  </td>
                  <td>{money(item.unit_price * item.quantity, cart.currency_code)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          <p className="sum" data-testid="sum">
            Sum of goods: {money(cart.item_subtotal, cart.currency_code)}
          </p>
        </>
      )}
    </>
  )
}
