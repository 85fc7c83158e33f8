"use server"

import { redirect } from "next/navigation"
import { cartId, rememberCart } from "@/lib/cart"
import { addLine, cartById, createCart, MedusaError, setQuantity } from "@/lib/medusa"
import { visitorsRegion } from "@/lib/region"

const MOST = 99 // pieces of one thing in a cart

function field(form: FormData, name: string): string {
  const value = form.get(name)
  if (typeof value !== "string" || !value) throw new Error(`The form lacks ${name}`)
  return value
}

function quantityOf(form: FormData, least: number): number {
  const quantity = Number(form.get("quantity") ?? 1)
  if (!Number.isInteger(quantity) || quantity < least || quantity > MOST) {
    throw new Error(`A quantity is a whole number from ${least} to ${MOST}`)
  }
  return quantity
}

export async function addToCart(form: FormData): Promise<void> {
  const variant = field(form, "variant")
  const quantity = quantityOf(form, 1)
  const known = await cartId()
  const cart = (known && (await cartById(known))) || (await createCart(await visitorsRegion()))
  await rememberCart(cart.id)
  try {
    await addLine(cart.id, variant, quantity)
  } catch (error) {
    // Medusa answers 400 for what cannot be had in this number: the cart page says so, nothing else changed.
    if (error instanceof MedusaError && error.status === 400) redirect("/cart?refused=1")
    throw error
  }
  redirect("/cart")
}

export async function changeQuantity(form: FormData): Promise<void> {
  const id = await cartId()
  if (id) {
    try {
      await setQuantity(id, field(form, "line"), quantityOf(form, 0))
    } catch (error) {
      if (error instanceof MedusaError && error.status === 400) redirect("/cart?refused=1")
      // The line or the cart is gone already (another tab): what the page shows next is the truth.
      if (!(error instanceof MedusaError && error.status === 404)) throw error
    }
  }
  redirect("/cart")
}
