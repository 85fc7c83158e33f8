import type { Metadata } from "next"
import { notFound } from "next/navigation"
import { cache } from "react"
import { Picture } from "@/components/picture"
import { productByHandle, type Variant } from "@/lib/medusa"
import { money } from "@/lib/money"
import { visitorsRegion } from "@/lib/region"

type Props = { params: Promise<{ handle: string }> }

const load = cache(async (handle: string) => productByHandle(handle, await visitorsRegion()))

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const product = await load((await params).handle)
  return { title: product?.title, description: product?.description ?? undefined }
}

const label = (variant: Variant) =>
  variant.calculated_price
    ? `${variant.title} · ${money(variant.calculated_price.calculated_amount, variant.calculated_price.currency_code)}`
    : variant.title

export default async function ProductPage({ params }: Props) {
  const product = await load((await params).handle)
  if (!product) notFound()
  const sold = (variant: Variant) => variant.inventory_quantity !== undefined && variant.inventory_quantity < 1
  return (
    <article className="product">
      <Picture source={product.images[0]?.url ?? product.thumbnail} alt={product.title} variant="product" />
      <div>
        <h1>{product.title}</h1>
        <p>{product.description}</p>
        <form action="/cart/lines" method="post" data-testid="add-to-cart">
          <label>
            {product.options[0]?.title ?? "Variant"}
            <select name="variant">
              {product.variants.map((variant) => (
                <option key={variant.id} value={variant.id} disabled={sold(variant)}>
                  {label(variant)}
                  {sold(variant) && " (sold out)"}
                </option>
              ))}
            </select>
          </label>
          <label>
            Quantity
            <input name="quantity" type="number" min={1} max={99} defaultValue={1} required />
          </label>
          <button type="submit" disabled={product.variants.every(sold)}>
            Add to cart
          </button>
        </form>
      </div>
    </article>
  )
}
