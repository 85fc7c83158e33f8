/** What the example store sells. Prices are in major units (49.5 is 49.50 EUR). */

export type Variant = { title: string; sku: string; eur: number; usd: number; stock: number }

export type Product = {
  handle: string
  title: string
  description: string
  /** Weight of one piece with its packing, in grams. */
  weight: number
  option: string
  variants: Variant[]
}

export const products: Product[] = [
  {
    handle: "achromatic-doublet",
    title: "Achromatic Doublet",
    description: "Cemented crown and flint doublet, 25.4 mm, corrected for 486, 588 and 656 nm, broadband coated.",
    weight: 60,
    option: "Focal length",
    variants: [
      { title: "50 mm", sku: "OW-AD-050", eur: 79, usd: 85, stock: 120 },
      { title: "100 mm", sku: "OW-AD-100", eur: 74, usd: 80, stock: 160 },
      { title: "200 mm", sku: "OW-AD-200", eur: 74, usd: 80, stock: 90 },
    ],
  },
  {
    handle: "plano-convex-lens",
    title: "Plano-Convex Lens",
    description: "N-BK7 singlet for collimating and focusing, 25.4 mm, surface quality 40-20.",
    weight: 45,
    option: "Coating",
    variants: [
      { title: "Uncoated", sku: "OW-PCX-U", eur: 24.5, usd: 27, stock: 400 },
      { title: "350-700 nm", sku: "OW-PCX-A", eur: 33, usd: 36, stock: 320 },
      { title: "650-1050 nm", sku: "OW-PCX-B", eur: 33, usd: 36, stock: 210 },
    ],
  },
  {
    handle: "bandpass-filter",
    title: "Bandpass Filter",
    description: "Hard-coated interference filter, 10 nm wide, more than 90 % transmission, OD 5 outside the band.",
    weight: 40,
    option: "Centre wavelength",
    variants: [
      { title: "532 nm", sku: "OW-BP-532", eur: 149, usd: 162, stock: 60 },
      { title: "633 nm", sku: "OW-BP-633", eur: 149, usd: 162, stock: 75 },
      { title: "850 nm", sku: "OW-BP-850", eur: 159, usd: 173, stock: 40 },
    ],
  },
  {
    handle: "kinematic-mirror-mount",
    title: "Kinematic Mirror Mount",
    description: "Two-axis mount with 100 TPI adjusters, ±4° of travel, drift under 5 µrad after a thermal cycle.",
    weight: 180,
    option: "Aperture",
    variants: [
      { title: "12.7 mm", sku: "OW-KM-05", eur: 54, usd: 59, stock: 85 },
      { title: "25.4 mm", sku: "OW-KM-10", eur: 62, usd: 68, stock: 140 },
    ],
  },
  {
    handle: "right-angle-prism",
    title: "Right-Angle Prism",
    description: "N-BK7 prism turning a beam by 90° or 180°, faces flat to λ/10, angle within 3 arc minutes.",
    weight: 90,
    option: "Leg length",
    variants: [
      { title: "10 mm", sku: "OW-RAP-10", eur: 41, usd: 45, stock: 110 },
      { title: "25 mm", sku: "OW-RAP-25", eur: 88, usd: 96, stock: 50 },
    ],
  },
  {
    handle: "collimated-laser-module",
    title: "Collimated Laser Module",
    description: "Class 2 diode module with glass optics, under 1 mW, TTL modulation up to 500 kHz.",
    weight: 120,
    option: "Wavelength",
    variants: [
      { title: "520 nm", sku: "OW-LM-520", eur: 119, usd: 129, stock: 45 },
      { title: "635 nm", sku: "OW-LM-635", eur: 89, usd: 97, stock: 70 },
    ],
  },
  {
    handle: "optics-cleaning-kit",
    title: "Optics Cleaning Kit",
    description: "Lens tissue, swabs, blower and powder-free gloves for coated optics.",
    weight: 350,
    option: "Size",
    variants: [
      { title: "Bench", sku: "OW-CK-B", eur: 29, usd: 32, stock: 200 },
      { title: "Travel", sku: "OW-CK-T", eur: 17.5, usd: 19, stock: 260 },
    ],
  },
]
