/** Composes the Worker and a bundle into what is uploaded as one version. */
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { readBundle } from "./bundle.mjs";
import { BundleError } from "./errors.mjs";
import { checkLimits, compressed } from "./limits.mjs";

const SOURCES = fileURLToPath(new URL("../src", import.meta.url));
const MAIN = "index.js";
/** Loaded before the bundle: see src/origin.ts. */
const FIRST = "origin.js";
/** The bundle's modules keep their places relative to each other below this folder. */
const BELOW = "storefront";
/**
 * With this flag a request to a host of the store's own zone goes through the zone's rules like anybody's. Without it,
 * it would go to the origin directly, without the header by which the origin knows the edge, and be refused.
 */
const REQUIRED_FLAGS = ["global_fetch_strictly_public"];
/** Either gives AsyncLocalStorage, by which src/origin.ts knows for whom a request is made; the second gives only that. */
const STORAGE_FLAGS = ["nodejs_compat", "nodejs_als"];
/** Assets are served before any Worker runs: one of these would hide an address that the Worker answers itself. */
const RESERVED = /^\/(health|maintenance\/pass)(\.html|\/index\.html)?$|^\/status\.json$/;

/**
 * @param {{bundle: string, out: string, plan: keyof typeof import("./limits.mjs").PLANS}} asked
 * @returns the manifest, which is also written to `out`/manifest.json
 * @throws {BundleError}
 */
export async function compose(asked) {
  const bundle = await readBundle(asked.bundle);
  for (const { path } of bundle.assets.filter((asset) => RESERVED.test(asset.path))) {
    throw new BundleError(`the asset ${path} hides an address that the Worker itself answers: give it another name`);
  }
  const type = "application/javascript+module";
  const ours = [
    { name: MAIN, type, content: await worker(bundle.main) },
    { name: FIRST, type, content: await bundled('export * from "./origin.ts";') },
  ];
  const modules = [...ours, ...bundle.modules.map((module) => ({ ...module, name: `${BELOW}/${module.name}` }))];
  const contents = modules.map((module) => module.content);
  const size = { raw: contents.reduce((sum, one) => sum + one.length, 0), gzip: compressed(contents) };
  checkLimits(asked.plan, size, bundle.assets);
  const { binding = "ASSETS", html_handling, not_found_handling, run_worker_first } = bundle.assetsConfig;
  const settings = {
    main_module: MAIN,
    compatibility_date: bundle.compatibilityDate,
    compatibility_flags: flags(bundle.compatibilityFlags),
    modules: modules.map(({ name, type, content }) => ({ name, content_type: type, size: content.length })),
    assets: {
      directory: "assets",
      binding,
      count: bundle.assets.length,
      size: bundle.assets.reduce((sum, asset) => sum + asset.size, 0),
      config: {
        ...(html_handling && { html_handling }),
        ...(not_found_handling && { not_found_handling }),
        ...(run_worker_first !== undefined && { run_worker_first }),
        ...(bundle.headers !== null && { headers: bundle.headers }),
        ...(bundle.redirects !== null && { redirects: bundle.redirects }),
      },
    },
    size,
  };
  const manifest = { ...settings, digest: digest(settings, modules, bundle.assets) };
  write(resolve(asked.out), manifest, modules, bundle.assets);
  return manifest;
}

/** The bundle's flags and those that this Worker needs. @param {string[]} given */
function flags(given) {
  const storage = given.some((flag) => STORAGE_FLAGS.includes(flag)) ? [] : STORAGE_FLAGS.slice(-1);
  return [...new Set([...given, ...REQUIRED_FLAGS, ...storage])];
}

/** This Worker as one module that imports the bundle's main module. @param {string} main */
async function worker(main) {
  const bundle = JSON.stringify(`./${BELOW}/${main}`);
  // The bundle's other exports (Durable Objects, entry points) must be the main module's own.
  return bundled(`import "./${FIRST}"; import bundle from ${bundle}; import { before } from "./edge.ts";
    export * from ${bundle}; export default before(bundle);`);
}

/** A module of this Worker's own sources. @param {string} contents */
async function bundled(contents) {
  const built = await build({
    stdin: { contents, resolveDir: SOURCES, loader: "ts" },
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    external: [`./${BELOW}/*`, `./${FIRST}`, "cloudflare:workers", "node:async_hooks"],
  });
  return Buffer.from(/** @type {import("esbuild").OutputFile} */ (built.outputFiles[0]).contents);
}

/**
 * What tells one version from another: 16 hexadecimal digits over everything that is uploaded.
 * @param {object} settings
 * @param {import("./bundle.mjs").Module[]} modules
 * @param {import("./bundle.mjs").Asset[]} assets
 */
function digest(settings, modules, assets) {
  const hash = createHash("sha256").update(JSON.stringify(settings));
  const add = (/** @type {string} */ name, /** @type {Buffer} */ content) =>
    hash.update(`\0${name}\0${content.length}\0`).update(content);
  for (const { name, content } of modules) add(name, content);
  for (const { path, file } of assets) add(path, readFileSync(file));
  return hash.digest("hex").slice(0, 16);
}

/**
 * Beside its place first, so that whoever reads `out` never sees half of it.
 * @param {string} out
 * @param {object} manifest
 * @param {import("./bundle.mjs").Module[]} modules
 * @param {import("./bundle.mjs").Asset[]} assets
 */
function write(out, manifest, modules, assets) {
  if (existsSync(out) && readdirSync(out).length > 0 && !existsSync(join(out, "manifest.json"))) {
    throw new BundleError(`${out} holds something that is no build of this command: name another directory with --out`);
  }
  const fresh = `${out}.${process.pid}`;
  try {
    for (const { name, content } of modules) put(join(fresh, "modules", name), content);
    for (const { path, file } of assets) cpSync(file, join(fresh, "assets", path));
    put(join(fresh, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
    rmSync(out, { recursive: true, force: true });
    renameSync(fresh, out);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** @param {string} file @param {string | Buffer} content */
function put(file, content) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}
