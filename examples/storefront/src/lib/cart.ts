import "server-only"
import { cookies } from "next/headers"
import { cache } from "react"
import { type Cart, cartById } from "./medusa"

const COOKIE = "cart"
const MONTH = 30 * 24 * 3600 // seconds

export async function cartId(): Promise<string | null> {
  return (await cookies()).get(COOKIE)?.value ?? null
}

/** From a route only: pages cannot set cookies. */
export async function rememberCart(id: string): Promise<void> {
  ;(await cookies()).set(COOKIE, id, { httpOnly: true, secure: true, sameSite: "lax", path: "/", maxAge: MONTH })
}

export const currentCart = cache(async (): Promise<Cart | null> => {
  const id = await cartId()
  return id ? cartById(id) : null
})
