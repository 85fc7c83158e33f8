// The example storefront's bundle in workerd, before an API that answers as Medusa does. Says what happened as JSON.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Miniflare } from "miniflare"

const bundle = process.argv[2]
const made = JSON.parse(readFileSync(join(bundle, "manifest.json"), "utf8"))
const API = "https://api.store.localhost:8443"
const IMAGES = process.argv[3]
const price = { calculated_amount: 49.5, currency_code: "eur" }
const variants = [{ id: "variant_1", title: "25 mm", sku: "L25", inventory_quantity: 5, calculated_price: price }]
const path = "/images/products/plano-convex-lens.jpg"
const product = {
  id: "prod_1", handle: "plano-convex-lens", title: "Plano-convex lens", description: "A lens", thumbnail: path,
  images: [{ id: "i", url: path }], options: [{ title: "Diameter" }], variants,
}
const region = { id: "reg_1", name: "Europe", currency_code: "eur", countries: [{ iso_2: "de" }] }
const asked = []
let items = []

async function outboundService(request) {
  const url = new URL(request.url)
  asked.push([request.method, url.origin, url.pathname, request.headers.get("x-origin-secret"), request.headers.get("x-publishable-api-key")])
  const cart = () => ({ id: "cart_1", currency_code: "eur", item_subtotal: 49.5 * items.length, items })
  if (url.pathname === "/store/regions") return Response.json({ regions: [region] })
  if (url.pathname === "/store/products") return Response.json({ products: [product] })
  if (url.pathname.endsWith("/line-items")) {
    const { variant_id, quantity } = await request.json()
    items = [{ id: "line_1", title: variant_id, product_title: product.title, product_handle: product.handle, variant_title: "25 mm", thumbnail: path, quantity, unit_price: 49.5, total: 49.5 }]
  }
  return Response.json({ cart: cart() })
}

const TYPES = { "text/plain": "Text", "application/wasm": "CompiledWasm", "application/octet-stream": "Data" }
const miniflare = new Miniflare({
  modules: made.modules.map(({ name, content_type }) => ({
    type: TYPES[content_type] ?? "ESModule", path: name, contents: readFileSync(join(bundle, "modules", name)),
  })),
  modulesRoot: "/",
  compatibilityDate: made.compatibility_date,
  compatibilityFlags: made.compatibility_flags,
  bindings: { MEDUSA_BACKEND_URL: API, MEDUSA_PUBLISHABLE_KEY: "pk_1", IMAGES_URL: IMAGES, ORIGIN_SECRET: "hush", STATUS_HOST: "status.store.localhost" },
  kvNamespaces: ["STORE_STATE"],
  assets: { directory: join(bundle, "assets"), binding: "ASSETS", routerConfig: { has_user_worker: true } },
  outboundService,
})
const get = async (where, init) => {
  const answer = await miniflare.dispatchFetch(new URL(where, "https://store.localhost:8443"), { redirect: "manual", ...init })
  return { status: answer.status, headers: Object.fromEntries(answer.headers), text: await answer.text() }
}
const said = { home: await get("/"), product: await get("/products/plano-convex-lens") }
said.added = await get("/cart/lines", {
  method: "POST",
  headers: { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" },
  body: "variant=variant_1&quantity=2",
})
said.foreign = await get("/cart/lines", { method: "POST", headers: { "sec-fetch-site": "cross-site" }, body: "" })
const cookie = (said.added.headers["set-cookie"] ?? "").split(";")[0]
said.cart = await get("/cart", { headers: { cookie } })
said.style = await get(/href="(\/_next\/static\/[^"]+\.css)"/.exec(said.home.text)?.[1] ?? "/none")
said.status = await get("https://status.store.localhost:8443/status.json")
said.asked = asked
await miniflare.dispose()
process.stdout.write(JSON.stringify(said))
