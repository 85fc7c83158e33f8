/** Medusa's store API, as far as this store uses it. Server only: pages and routes call it, browsers never do. */
import "server-only"
import { backendUrl, publishableKey } from "./settings"

const TIMEOUT = 8_000 // ms; a customer has given up by then

export type Region = { id: string; name: string; currency_code: string; countries: { iso_2: string }[] }
export type Price = { calculated_amount: number; currency_code: string }
export type Variant = {
  id: string
  title: string
  sku: string | null
  inventory_quantity?: number
  calculated_price?: Price
}
export type Product = {
  id: string
  handle: string
  title: string
  description: string | null
  thumbnail: string | null
  images: { id: string; url: string }[]
  options: { title: string }[]
  variants: Variant[]
}
export type LineItem = {
  id: string
  title: string
  product_title: string
  product_handle: string
  variant_title: string
  thumbnail: string | null
  quantity: number
  unit_price: number
  total: number
}
export type Cart = {
  id: string
  currency_code: string
  item_subtotal: number
  items: LineItem[]
  completed_at?: string | null
}

export class MedusaError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
    this.name = "MedusaError"
  }
}

async function call<T>(method: string, path: string, body?: object): Promise<T> {
  const response = await fetch(`${backendUrl()}${path}`, {
    method,
    headers: {
      accept: "application/json",
      "x-publishable-api-key": publishableKey(),
      ...(body && { "content-type": "application/json" }),
    },
    body: body && JSON.stringify(body),
    cache: "no-store",
    signal: AbortSignal.timeout(TIMEOUT),
  })
  if (!response.ok) {
    const told = (await response.json().catch(() => ({}))) as { message?: string }
    throw new MedusaError(response.status, told.message ?? `${method} ${path}: ${response.status}`)
  }
  return (await response.json()) as T
}

const PRODUCT_FIELDS =
  "id,handle,title,description,thumbnail,*images,*options,*variants,*variants.calculated_price,+variants.inventory_quantity"

export async function regions(): Promise<Region[]> {
  return (await call<{ regions: Region[] }>("GET", "/store/regions?limit=100&order=name")).regions
}

export async function products(region: Region): Promise<Product[]> {
  const query = new URLSearchParams({ limit: "100", region_id: region.id, order: "title", fields: PRODUCT_FIELDS })
  return (await call<{ products: Product[] }>("GET", `/store/products?${query}`)).products
}

export async function productByHandle(handle: string, region: Region): Promise<Product | null> {
  const query = new URLSearchParams({ limit: "1", handle, region_id: region.id, fields: PRODUCT_FIELDS })
  return (await call<{ products: Product[] }>("GET", `/store/products?${query}`)).products[0] ?? null
}

export async function createCart(region: Region): Promise<Cart> {
  return (await call<{ cart: Cart }>("POST", "/store/carts", { region_id: region.id })).cart
}

/** The cart, or null where there is none any more: its cookie outlived it, or it has become an order. */
export async function cartById(id: string): Promise<Cart | null> {
  try {
    const { cart } = await call<{ cart: Cart }>("GET", `/store/carts/${encodeURIComponent(id)}?fields=%2Bcompleted_at`)
    return cart.completed_at ? null : cart
  } catch (error) {
    if (error instanceof MedusaError && error.status === 404) return null
    throw error
  }
}

export async function addLine(cartId: string, variantId: string, quantity: number): Promise<void> {
  await call("POST", `/store/carts/${encodeURIComponent(cartId)}/line-items`, { variant_id: variantId, quantity })
}

/** Sets a line's quantity; 0 takes the line out. */
export async function setQuantity(cartId: string, lineId: string, quantity: number): Promise<void> {
  const path = `/store/carts/${encodeURIComponent(cartId)}/line-items/${encodeURIComponent(lineId)}`
  await (quantity > 0 ? call("POST", path, { quantity }) : call("DELETE", path))
}
