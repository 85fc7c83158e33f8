import type { Metadata } from "next"
import Link from "next/link"
import type { ReactNode } from "react"
import { currentCart } from "@/lib/cart"
import "./globals.css"

export const metadata: Metadata = {
  title: { default: "OpticWorks Store", template: "%s · OpticWorks Store" },
  description: "Lenses, filters, prisms and mounts for the optics bench.",
}

// Prices, stock and the cart are the visitor's: no page is made at build time.
export const dynamic = "force-dynamic"

export default async function Layout({ children }: { children: ReactNode }) {
  const cart = await currentCart().catch(() => null) // a page is worth more than the number beside its cart
  const pieces = cart?.items.reduce((sum, item) => sum + item.quantity, 0) ?? 0
  return (
    <html lang="en">
      <body>
        <header>
          <Link href="/" className="brand">
            OpticWorks
          </Link>
          <Link href="/cart" prefetch={false} data-testid="cart-link">
            Cart ({pieces})
          </Link>
        </header>
        <main>{children}</main>
      </body>
    </html>
  )
}
