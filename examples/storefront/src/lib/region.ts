import "server-only"
import { headers } from "next/headers"
import { cache } from "react"
import { type Region, regions } from "./medusa"

/** The region that sells to the visitor's country (the edge tells it as cf-ipcountry), else the first one. */
export const visitorsRegion = cache(async (): Promise<Region> => {
  const country = (await headers()).get("cf-ipcountry")?.toLowerCase()
  const all = await regions()
  const region = all.find((one) => one.countries.some((c) => c.iso_2 === country)) ?? all[0]
  if (!region) throw new Error("Medusa has no region: a store sells in at least one")
  return region
})
