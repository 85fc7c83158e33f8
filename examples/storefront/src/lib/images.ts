import { imagesUrl } from "./settings"

export type Variant = "thumbnail" | "card" | "product" | "hero"

/**
 * A picture's address in the size that a place on a page needs.
 *
 * Pictures that a product names by path (`/images/products/NAME.jpg`) have the id `products/NAME` with the image service:
 * the path below /images, without its suffix. Whatever has an address of its own keeps it.
 */
export function picture(source: string, variant: Variant): string {
  const service = imagesUrl()
  const id = /^\/images\/(.+)\.[A-Za-z0-9]+$/.exec(source)?.[1]
  return service && id ? `${service}/${id}/${variant}` : source
}
