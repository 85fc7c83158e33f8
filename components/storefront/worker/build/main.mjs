/** The command: reads what it was asked, composes, and says what it made or what is wrong. */
import { parseArgs } from "node:util";
import { compose } from "./compose.mjs";
import { BundleError } from "./errors.mjs";
import { PLANS } from "./limits.mjs";

const HELP = `Puts the store's Worker before a storefront's bundle: the modules and assets of one Worker version.

  npm run build -- --bundle DIR --out DIR [--plan free|paid] [--json]

  --bundle DIR  what 'wrangler deploy --dry-run --outdir DIR' wrote for the app, with the app's assets in DIR/assets
                and its wrangler.json (or .jsonc) beside them
  --out DIR     where modules/, assets/ and manifest.json go; an earlier build there is replaced
  --plan        whose limits the Worker has to keep: free (the default) or paid
  --json        print the manifest instead of a line for people

Example:
  npm run build -- --bundle ../../../examples/storefront/dist --out /tmp/storefront --plan paid
`;

/** @param {string[]} argv */
function options(argv) {
  const { values } = parseArgs({
    args: argv,
    options: {
      bundle: { type: "string" },
      out: { type: "string" },
      plan: { type: "string", default: "free" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  if (!values.bundle || !values.out) throw new BundleError("--bundle and --out are needed; --help shows an example");
  if (!(values.plan in PLANS)) {
    throw new BundleError(`--plan ${values.plan} is none: it is one of ${Object.keys(PLANS).join(", ")}`);
  }
  return { ...values, bundle: values.bundle, out: values.out, plan: /** @type {keyof typeof PLANS} */ (values.plan) };
}

/** @param {string[]} argv */
async function main(argv) {
  const asked = options(argv);
  if (!asked) return HELP;
  const made = await compose(asked);
  if (asked.json) return `${JSON.stringify(made, null, 2)}\n`;
  const kib = (/** @type {number} */ size) => `${Math.ceil(size / 1024)} KiB`;
  return (
    `${asked.out}: version ${made.digest}, ${made.modules.length} modules of ${kib(made.size.raw)} ` +
    `(${kib(made.size.gzip)} compressed), ${made.assets.count} assets of ${kib(made.assets.size)}\n`
  );
}

try {
  process.stdout.write(await main(process.argv.slice(2)));
} catch (error) {
  const known = error instanceof BundleError || (error instanceof TypeError && "code" in error);
  if (!known) throw error;
  const help = error instanceof BundleError ? "" : " (--help shows an example)";
  process.stderr.write(`error: ${/** @type {Error} */ (error).message}${help}\n`);
  process.exitCode = 1;
}
