import { picture, type Variant } from "@/lib/images"

/** Pixels of each variant as the image service makes it; places on a page show it at half of that, or as wide as they are. */
const SIZES: Record<Variant, [width: number, height: number]> = {
  thumbnail: [160, 160],
  card: [400, 400],
  product: [800, 800],
  hero: [1600, 900],
}

/** A product's picture; its box is kept free while it loads. */
export function Picture({ source, alt, variant }: { source: string | null; alt: string; variant: Variant }) {
  const [width, height] = SIZES[variant]
  if (!source) return <div className="no-picture" style={{ aspectRatio: width / height, maxWidth: width }} aria-hidden />
  const first = variant === "product" || variant === "hero"
  // Not next/image: the image service resizes, or nobody does.
  return (
    <img
      src={picture(source, variant)}
      alt={alt}
      width={width}
      height={height}
      loading={first ? "eager" : "lazy"}
      fetchPriority={first ? "high" : "auto"}
      decoding="async"
    />
  )
}
