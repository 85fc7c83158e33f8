import { picture, type Variant } from "@/lib/images"

const PIXELS: Record<Variant, number> = { thumbnail: 96, card: 320, product: 640, hero: 1280 }

/** A product's picture; its box is kept free while it loads. */
export function Picture({ source, alt, variant }: { source: string | null; alt: string; variant: Variant }) {
  const size = PIXELS[variant]
  if (!source) return <div className="no-picture" style={{ aspectRatio: 1, maxWidth: size }} aria-hidden />
  // Not next/image: the image service resizes, or nobody does.
  return (
    <img
      src={picture(source, variant)}
      alt={alt}
      width={size}
      height={size}
      loading={variant === "product" ? "eager" : "lazy"}
      decoding="async"
    />
  )
}
