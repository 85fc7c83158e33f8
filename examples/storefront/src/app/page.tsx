import Link from "next/link"
import { Picture } from "@/components/picture"
import { type Product, products } from "@/lib/medusa"
import { money } from "@/lib/money"
import { visitorsRegion } from "@/lib/region"

function cheapest(product: Product) {
  const prices = product.variants.flatMap((variant) => variant.calculated_price ?? [])
  return prices.toSorted((a, b) => a.calculated_amount - b.calculated_amount)[0]
}

export default async function Home() {
  const all = await products(await visitorsRegion())
  return (
    <>
      <h1>For the optics bench</h1>
      <ul className="products" data-testid="products">
        {all.map((product) => {
          const price = cheapest(product)
          return (
            <li key={product.id}>
              <Link href={`/products/${product.handle}`} prefetch={false}>
                <Picture source={product.thumbnail} alt={product.title} variant="card" />
                <h2>{product.title}</h2>
                {price && <p>from {money(price.calculated_amount, price.currency_code)}</p>}
              </Link>
            </li>
          )
        })}
      </ul>
    </>
  )
}
