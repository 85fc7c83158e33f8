// Renders each product's drawing as a JPEG of 1,600 pixels: what an image service makes its variants of. `node render-pictures.mjs`
import { readdirSync } from "node:fs"
import sharp from "sharp" // comes with Next

const folder = new URL("public/images/products/", import.meta.url).pathname
for (const name of readdirSync(folder).filter((one) => one.endsWith(".svg"))) {
  await sharp(folder + name, { density: 180 }).resize(1600).jpeg({ quality: 86 }).toFile(folder + name.replace(".svg", ".jpg"))
}
