/** What Cloudflare takes as one Worker version, by plan. */
import { gzipSync } from "node:zlib";
import { BundleError } from "./errors.mjs";

const MIB = 1024 * 1024;

/** Sizes in bytes. The Workers plan decides, not the zone's: "paid" is Workers Paid. */
export const PLANS = {
  free: { gzip: 3 * MIB, raw: 64 * MIB, assets: 20_000, asset: 25 * MIB },
  paid: { gzip: 10 * MIB, raw: 64 * MIB, assets: 100_000, asset: 25 * MIB },
};

/** Compressed size as the upload is measured: all modules together. */
export const compressed = (/** @type {Buffer[]} */ modules) => gzipSync(Buffer.concat(modules)).length;

const mib = (/** @type {number} */ size) => `${(size / MIB).toFixed(2)} MiB`;

/**
 * @param {keyof typeof PLANS} plan
 * @param {{raw: number, gzip: number}} size of all modules
 * @param {{path: string, size: number}[]} assets
 * @throws {BundleError} with everything that is too large
 */
export function checkLimits(plan, size, assets) {
  const limit = PLANS[plan];
  const problems = [];
  if (size.raw > limit.raw) problems.push(`the modules are ${mib(size.raw)}; a Worker has at most ${mib(limit.raw)}`);
  if (size.gzip > limit.gzip) {
    const more = plan === "free" && size.gzip <= PLANS.paid.gzip ? ", Workers Paid allows it" : "";
    problems.push(
      `the modules are ${mib(size.gzip)} compressed; the limit of Workers ${plan} is ${mib(limit.gzip)}` +
        ` (fewer or smaller dependencies on the server${more})`,
    );
  }
  if (assets.length > limit.assets) {
    problems.push(`there are ${assets.length} assets; the limit of Workers ${plan} is ${limit.assets} files a version`);
  }
  for (const asset of assets.filter((one) => one.size > limit.asset)) {
    problems.push(
      `the asset ${asset.path} is ${mib(asset.size)}; an asset has at most ${mib(limit.asset)} (put it in R2)`,
    );
  }
  if (problems.length > 0) throw new BundleError(`the bundle is over Cloudflare's limits:\n  ${problems.join("\n  ")}`);
}
