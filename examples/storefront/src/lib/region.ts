import "server-only"
import { headers } from "next/headers"
import { cache } from "react"
import { type Region, regions } from "./medusa"

const BELIEVED = 60_000 // ms; regions change a few times a year, and every page needs them
let known: { at: number; regions: Region[] } | undefined

async function allRegions(): Promise<Region[]> {
  if (!known || Date.now() - known.at > BELIEVED) known = { regions: await regions(), at: Date.now() }
  return known.regions
}

/** The region that sells to the visitor's country (the edge tells it as cf-ipcountry), else the first one. */
export const visitorsRegion = cache(async (): Promise<Region> => {
  const country = (await headers()).get("cf-ipcountry")?.toLowerCase()
  const all = await allRegions()
  const region = all.find((one) => one.countries.some((c) => c.iso_2 === country)) ?? all[0]
  if (!region) throw new Error("Medusa has no region: a store sells in at least one")
  return region
})
