/** What the store is told by its Worker's variables (or by `.env.local` in `next dev`). Read at each request. */

export class SettingsError extends Error {}

function required(name: string): string {
  const value = process.env[name]
  if (!value) throw new SettingsError(`${name} is not set: a Worker's variable, or a line of .env.local`)
  return value
}

/** The Medusa API, without a slash at its end. */
export const backendUrl = (): string => required("MEDUSA_BACKEND_URL").replace(/\/+$/, "")

/** Medusa's publishable key (pk_…): which sales channel this store sells from. No secret. */
export const publishableKey = (): string => required("MEDUSA_PUBLISHABLE_KEY")

/**
 * Where images are delivered in their variants, an address or a path of the store's own host; null: pictures come as the
 * product names them.
 */
export const imagesUrl = (): string | null => process.env.IMAGES_URL?.replace(/\/+$/, "") || null
