/**
 * Fills an empty store: region, sales channel, publishable key, stock location, shipping, products, stock.
 *
 *     medusa exec ./src/scripts/seed.js
 *
 * Each part is looked up before it is made, so that a second run, or one after a run that was cut off, adds only what
 * is missing. The last line on stdout is for machines: `SEED {"publishableKey": "pk_…", …}`.
 */
import type { ExecArgs, MedusaContainer } from "@medusajs/framework/types"
import { ContainerRegistrationKeys, Modules, ProductStatus } from "@medusajs/framework/utils"
import {
  createApiKeysWorkflow,
  createInventoryLevelsWorkflow,
  createProductsWorkflow,
  createRegionsWorkflow,
  createSalesChannelsWorkflow,
  createShippingOptionsWorkflow,
  createShippingProfilesWorkflow,
  createStockLocationsWorkflow,
  createTaxRegionsWorkflow,
  linkSalesChannelsToApiKeyWorkflow,
  linkSalesChannelsToStockLocationWorkflow,
  updateProductsWorkflow,
  updateStoresWorkflow,
} from "@medusajs/medusa/core-flows"
import { products as catalogue, type Product } from "./catalogue"

const CHANNEL = "OpticWorks Storefront"
const KEY = "Storefront"
const LOCATION = "OpticWorks Warehouse"
const FULFILLMENT_SET = "OpticWorks delivery"
const PROVIDER = "manual_manual"
const REGIONS = [
  { name: "Europe", currency_code: "eur", countries: ["de", "at", "nl", "be", "fr", "dk", "se", "es", "it"] },
  { name: "United States", currency_code: "usd", countries: ["us"] },
]
const COUNTRIES = REGIONS.flatMap((region) => region.countries)

type Row = Record<string, any> & { id: string }

/** Rows of `entity` that match `filters`, read past the cache: what was just written must be seen. */
async function find(container: MedusaContainer, entity: string, fields: string[], filters: object): Promise<Row[]> {
  const query = container.resolve(ContainerRegistrationKeys.QUERY)
  const { data } = await query.graph({ entity, fields: ["id", ...fields], filters } as never)
  return data as Row[]
}

async function link(container: MedusaContainer, left: Record<string, object>): Promise<void> {
  await container.resolve(ContainerRegistrationKeys.LINK).create(left as never)
}

async function salesChannel(container: MedusaContainer): Promise<Row> {
  const [found] = await find(container, "sales_channel", [], { name: CHANNEL })
  if (found) return found
  const { result } = await createSalesChannelsWorkflow(container).run({
    input: { salesChannelsData: [{ name: CHANNEL, description: "What the storefront sells" }] },
  })
  return result[0] as Row
}

async function publishableKey(container: MedusaContainer, channel: Row): Promise<string> {
  const filters = { title: KEY, type: "publishable" }
  let [key] = await find(container, "api_key", ["token", "revoked_at", "sales_channels.id"], filters)
  if (!key) {
    const { result } = await createApiKeysWorkflow(container).run({
      input: { api_keys: [{ title: KEY, type: "publishable", created_by: "seed" }] },
    })
    key = result[0] as Row
  }
  const linked = (key.sales_channels ?? []) as Row[]
  if (!linked.some((other) => other.id === channel.id)) {
    await linkSalesChannelsToApiKeyWorkflow(container).run({ input: { id: key.id, add: [channel.id] } })
  }
  return key.token as string
}

async function regions(container: MedusaContainer): Promise<Row[]> {
  const existing = await find(container, "region", ["name"], { name: REGIONS.map((region) => region.name) })
  const missing = REGIONS.filter((region) => !existing.some((found) => found.name === region.name))
  const payment_providers = ["pp_system_default", ...(process.env.STRIPE_API_KEY ? ["pp_stripe_stripe"] : [])]
  if (missing.length) {
    await createRegionsWorkflow(container).run({
      input: { regions: missing.map((region) => ({ ...region, payment_providers })) },
    })
  }
  const taxed = await find(container, "tax_region", ["country_code"], { country_code: COUNTRIES })
  const untaxed = COUNTRIES.filter((country) => !taxed.some((region) => region.country_code === country))
  if (untaxed.length) {
    await createTaxRegionsWorkflow(container).run({
      input: untaxed.map((country_code) => ({ country_code, provider_id: "tp_system" })),
    })
  }
  return find(container, "region", ["name"], { name: REGIONS.map((region) => region.name) })
}

async function stockLocation(container: MedusaContainer, channel: Row): Promise<Row> {
  const fields = ["sales_channels.id", "fulfillment_providers.id", "fulfillment_sets.id"]
  let [location] = await find(container, "stock_location", fields, { name: LOCATION })
  if (!location) {
    const address = { address_1: "Optikring 1", city: "Nürnberg", postal_code: "90402", country_code: "DE" }
    const { result } = await createStockLocationsWorkflow(container).run({
      input: { locations: [{ name: LOCATION, address }] },
    })
    location = result[0] as Row
  }
  if (!location.sales_channels?.length) {
    await linkSalesChannelsToStockLocationWorkflow(container).run({ input: { id: location.id, add: [channel.id] } })
  }
  if (!location.fulfillment_providers?.length) {
    await link(container, {
      [Modules.STOCK_LOCATION]: { stock_location_id: location.id },
      [Modules.FULFILLMENT]: { fulfillment_provider_id: PROVIDER },
    })
  }
  return location
}

async function shippingProfile(container: MedusaContainer): Promise<Row> {
  const [found] = await find(container, "shipping_profile", [], { type: "default" })
  if (found) return found
  const { result } = await createShippingProfilesWorkflow(container).run({
    input: { data: [{ name: "Default", type: "default" }] },
  })
  return result[0] as Row
}

async function shipping(container: MedusaContainer, location: Row, profile: Row, regionIds: string[]): Promise<void> {
  const fulfillment = container.resolve(Modules.FULFILLMENT)
  let [set] = await fulfillment.listFulfillmentSets({ name: FULFILLMENT_SET }, { relations: ["service_zones"] })
  set ??= await fulfillment.createFulfillmentSets({
    name: FULFILLMENT_SET,
    type: "shipping",
    service_zones: [
      { name: "Europe and US", geo_zones: COUNTRIES.map((country_code) => ({ country_code, type: "country" as const })) },
    ],
  })
  if (!location.fulfillment_sets?.length) {
    await link(container, {
      [Modules.STOCK_LOCATION]: { stock_location_id: location.id },
      [Modules.FULFILLMENT]: { fulfillment_set_id: set.id },
    })
  }
  const zone = set.service_zones[0].id
  const existing = await find(container, "shipping_option", ["name"], { service_zone_id: zone })
  const option = (name: string, code: string, description: string, eur: number, usd: number) => ({
    name,
    price_type: "flat" as const,
    provider_id: PROVIDER,
    service_zone_id: zone,
    shipping_profile_id: profile.id,
    type: { label: name, description, code },
    prices: [
      { currency_code: "eur", amount: eur },
      { currency_code: "usd", amount: usd },
      ...regionIds.map((region_id, index) => ({ region_id, amount: index === 0 ? eur : usd })),
    ],
    rules: [
      { attribute: "enabled_in_store", value: "true", operator: "eq" as const },
      { attribute: "is_return", value: "false", operator: "eq" as const },
    ],
  })
  const missing = [
    option("Standard", "standard", "In two to four working days.", 6.9, 9.9),
    option("Express", "express", "On the next working day.", 16.9, 24.9),
  ].filter((wanted) => !existing.some((found) => found.name === wanted.name))
  if (missing.length) await createShippingOptionsWorkflow(container).run({ input: missing })
}

const picture = (handle: string, format: string) => `/images/products/${handle}.${format}`

/** Paths, not addresses: whichever storefront shows the product has its pictures delivered as it likes. */
const pictures = (handle: string) => ({
  thumbnail: picture(handle, "jpg"),
  images: [{ url: picture(handle, "jpg") }],
})

const asInput = (product: Product, channel: Row, profile: Row) => ({
  title: product.title,
  handle: product.handle,
  description: product.description,
  weight: product.weight,
  status: ProductStatus.PUBLISHED,
  shipping_profile_id: profile.id,
  ...pictures(product.handle),
  options: [{ title: product.option, values: product.variants.map((variant) => variant.title) }],
  variants: product.variants.map((variant) => ({
    title: variant.title,
    sku: variant.sku,
    manage_inventory: true,
    options: { [product.option]: variant.title },
    prices: [
      { currency_code: "eur", amount: variant.eur },
      { currency_code: "usd", amount: variant.usd },
    ],
  })),
  sales_channels: [{ id: channel.id }],
})

async function products(container: MedusaContainer, channel: Row, profile: Row): Promise<void> {
  const filters = { handle: catalogue.map((item) => item.handle) }
  const existing = await find(container, "product", ["handle", "thumbnail", "images.url"], filters)
  const missing = catalogue.filter((item) => !existing.some((found) => found.handle === item.handle))
  if (missing.length) {
    await createProductsWorkflow(container).run({
      input: { products: missing.map((item) => asInput(item, channel, profile)) },
    })
  }
  // Image services resize no SVG, which this catalogue once had. What a person put in its place stays.
  const outdated = existing.filter(
    (found) =>
      found.thumbnail === picture(found.handle, "svg") &&
      (found.images ?? []).every((image: Row) => image.url === picture(found.handle, "svg")),
  )
  if (outdated.length) {
    await updateProductsWorkflow(container).run({
      input: { products: outdated.map((found) => ({ id: found.id, ...pictures(found.handle) })) },
    })
  }
}

async function stock(container: MedusaContainer, location: Row): Promise<void> {
  const wanted = new Map(catalogue.flatMap((item) => item.variants.map((v) => [v.sku, v.stock] as const)))
  const items = await find(container, "inventory_item", ["sku", "location_levels.location_id"], {
    sku: [...wanted.keys()],
  })
  const missing = items.filter(
    (item) => !(item.location_levels ?? []).some((level: Row) => level.location_id === location.id),
  )
  if (!missing.length) return
  await createInventoryLevelsWorkflow(container).run({
    input: {
      inventory_levels: missing.map((item) => ({
        location_id: location.id,
        inventory_item_id: item.id,
        stocked_quantity: wanted.get(item.sku) ?? 0,
      })),
    },
  })
}

async function storeDefaults(container: MedusaContainer, channel: Row, location: Row): Promise<void> {
  const [store] = await container.resolve(Modules.STORE).listStores()
  if (!store || store.default_sales_channel_id === channel.id) return
  await updateStoresWorkflow(container).run({
    input: {
      selector: { id: store.id },
      update: {
        name: "OpticWorks Store",
        default_sales_channel_id: channel.id,
        default_location_id: location.id,
        supported_currencies: [{ currency_code: "eur", is_default: true }, { currency_code: "usd" }],
      },
    },
  })
}

export default async function seed({ container }: ExecArgs): Promise<void> {
  const channel = await salesChannel(container)
  const key = await publishableKey(container, channel)
  const location = await stockLocation(container, channel)
  await storeDefaults(container, channel, location)
  const sold = await regions(container)
  const profile = await shippingProfile(container)
  const ids = REGIONS.map((region) => sold.find((found) => found.name === region.name)?.id ?? "")
  await shipping(container, location, profile, ids)
  await products(container, channel, profile)
  await stock(container, location)
  console.log(`SEED ${JSON.stringify({ publishableKey: key, products: catalogue.length, regions: ids.length })}`)
}
