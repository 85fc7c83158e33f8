/** Reads a directory that holds a bundled Worker with its assets, and says plainly where it is none. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, extname, join, posix, sep } from "node:path";
import { init, parse } from "es-module-lexer";
import { parse as parseJsonc } from "jsonc-parser";
import { BundleError } from "./errors.mjs";

export const BUILD_IT =
  "Build it in the app: `opennextjs-cloudflare build`, then `wrangler deploy --dry-run --outdir dist`, then copy" +
  " .open-next/assets to dist/assets and wrangler.json to dist";

/** Module types of the upload by ending, as wrangler's own rules have them. @type {Record<string, string>} */
const TYPES = {
  ".js": "application/javascript+module",
  ".mjs": "application/javascript+module",
  ".cjs": "application/javascript",
  ".wasm": "application/wasm",
  ".bin": "application/octet-stream",
  ".txt": "text/plain",
  ".html": "text/plain",
  ".sql": "text/plain",
};
/** What lies beside the modules and is none. */
const BESIDE = [/^assets\//, /^README\.md$/, /^wrangler\.jsonc?$/, /\.map$/];

const SECRET_NAME = /SECRET|PASSWORD|PASSWD|PRIVATE|CREDENTIAL|(?:^|_)TOKEN(?:_|$)|API_?KEY|ACCESS_?KEY/i;
const PUBLIC_NAME = /PUBLISHABLE|(?:^|_)PUBLIC(?:_|$)/i;
const SECRET_VALUE =
  /PRIVATE KEY-----|\b[sr]k_(?:live|test)_|whsec_|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{20}|\bxox[abpr]-|[a-z]:\/\/[^/\s:@]+:[^/\s@]+@|\beyJ[A-Za-z0-9_-]{10,}\.eyJ/;

/**
 * @typedef {{name: string, type: string, content: Buffer}} Module
 * @typedef {{path: string, file: string, size: number}} Asset path begins with a slash
 * @typedef {{html_handling?: string, not_found_handling?: string, run_worker_first?: boolean | string[],
 *   binding?: string}} AssetsConfig as wrangler has it under "assets"
 * @typedef {{main: string, modules: Module[], assets: Asset[], assetsConfig: AssetsConfig, headers: string | null,
 *   redirects: string | null, compatibilityDate: string, compatibilityFlags: string[]}} Bundle
 */

/**
 * @param {string} directory
 * @returns {Promise<Bundle>}
 * @throws {BundleError}
 */
export async function readBundle(directory) {
  /** @type {(problem: string) => never} */
  const refuse = (problem) => {
    throw new BundleError(`${directory} is no Worker with assets: ${problem}. ${BUILD_IT}`);
  };
  if (!existsSync(directory) || !statSync(directory).isDirectory()) refuse("there is no such directory");
  const config = wranglerConfig(directory, refuse);
  checkVariables(directory, config.vars ?? {});
  const main = mainModule(directory, config.main, refuse);
  const files = walk(directory);
  const modules = files
    .filter((file) => !BESIDE.some((one) => one.test(file)))
    .map((name) => ({
      name,
      type: TYPES[extname(name)] ?? refuse(`${name} is neither a module nor an asset`),
      content: readFileSync(join(directory, name)),
    }));
  await checkModules(modules, main, refuse);
  const all = files.filter((file) => file.startsWith("assets/")).map((file) => file.slice("assets/".length));
  if (all.length === 0) refuse("its directory assets/ is missing or empty");
  if (all.includes(".assetsignore")) refuse("assets/.assetsignore is not followed here: leave out what it names");
  const text = (/** @type {string} */ name) =>
    all.includes(name) ? readFileSync(join(directory, "assets", name), "utf8") : null;
  return {
    main,
    modules,
    assets: all
      .filter((path) => path !== "_headers" && path !== "_redirects")
      .map((path) => {
        const file = join(directory, "assets", path);
        return { path: `/${path}`, file, size: statSync(file).size };
      }),
    assetsConfig: config.assets ?? {},
    headers: text("_headers"),
    redirects: text("_redirects"),
    compatibilityDate: config.compatibility_date ?? refuse("its wrangler.json has no compatibility_date"),
    compatibilityFlags: config.compatibility_flags ?? [],
  };
}

/**
 * @param {string} directory
 * @param {(problem: string) => never} refuse
 * @returns {{main?: string, compatibility_date?: string, compatibility_flags?: string[], assets?: AssetsConfig,
 *   vars?: Record<string, unknown>}}
 */
function wranglerConfig(directory, refuse) {
  const name = ["wrangler.json", "wrangler.jsonc"].find((one) => existsSync(join(directory, one)));
  if (!name) return refuse("it has no wrangler.json or wrangler.jsonc");
  /** @type {import("jsonc-parser").ParseError[]} */
  const errors = [];
  const config = parseJsonc(readFileSync(join(directory, name), "utf8"), errors, { allowTrailingComma: true });
  if (errors.length > 0 || typeof config !== "object" || config === null) refuse(`its ${name} is not JSON`);
  return config;
}

/**
 * What the bundle was built with may be in it, for whoever reads it: a secret does not belong there, whether or not a
 * deployment uses these variables. The same rules as in ../../variables.py.
 * @param {string} directory
 * @param {Record<string, unknown>} variables
 */
function checkVariables(directory, variables) {
  for (const [name, value] of Object.entries(variables)) {
    const named = SECRET_NAME.test(name) && !PUBLIC_NAME.test(name) && value !== "";
    if (named || SECRET_VALUE.test(String(value))) {
      throw new BundleError(
        `${directory}: the plain variable ${name} in its wrangler.json looks like a secret. Take it out there, and put` +
          ` it into the stack's configuration: pulumi config set --secret --path 'storefrontSecrets.${name}'`,
      );
    }
  }
}

/**
 * wrangler names the bundled main module after the source's, with the ending .js.
 * @param {string} directory
 * @param {string | undefined} source
 * @param {(problem: string) => never} refuse
 */
function mainModule(directory, source, refuse) {
  const name = source ? `${basename(source, extname(source))}.js` : "worker.js";
  if (!existsSync(join(directory, name))) refuse(`there is no ${name} in it`);
  return name;
}

/**
 * @param {Module[]} modules
 * @param {string} main
 * @param {(problem: string) => never} refuse
 */
async function checkModules(modules, main, refuse) {
  await init;
  for (const module of modules.filter((one) => one.type === TYPES[".js"])) {
    const [imports, exports] = parse(module.content.toString("utf8"), module.name);
    if (module.name === main && !exports.some((one) => one.n === "default")) {
      refuse(`${main} has no default export, so it is no module Worker`);
    }
    for (const { n: specifier, d: kind } of imports) {
      if (kind < -1 || !specifier?.startsWith(".")) continue;
      const target = posix.join(posix.dirname(module.name), specifier);
      if (kind === -1 && !modules.some((one) => one.name === target)) {
        refuse(`${module.name} imports ${specifier}, which is not in it: it is not bundled yet`);
      }
    }
  }
}

/** Files below `directory`, sorted, as paths with slashes. @param {string} directory */
function walk(directory) {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((path) => statSync(join(directory, path)).isFile())
    .map((path) => path.split(sep).join("/"))
    .sort();
}
