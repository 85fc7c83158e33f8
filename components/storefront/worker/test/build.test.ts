import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compose } from "../build/compose.mjs";
import { checkLimits } from "../build/limits.mjs";
import { directory, FILES } from "./fixture.ts";

const build = (bundle: string, plan: "free" | "paid" = "free") =>
  compose({ bundle, out: join(directory(), "composed"), plan });

describe("composition", () => {
  it("puts the Worker first, the bundle's modules below, and _headers into the assets' configuration", async () => {
    const bundle = directory();
    const out = join(bundle, "../", `out-${process.pid}`);
    const made = await compose({ bundle, out, plan: "free" });
    expect(made.main_module).toBe("index.js");
    expect(made.modules.map((one) => [one.name, one.content_type])).toEqual([
      ["index.js", "application/javascript+module"],
      ["origin.js", "application/javascript+module"],
      ["storefront/abc-greeting.txt", "text/plain"],
      ["storefront/worker.js", "application/javascript+module"],
    ]);
    expect(made.assets).toMatchObject({ count: 1, size: 5, config: { headers: FILES["assets/_headers"] } });
    expect(existsSync(join(out, "assets/_headers"))).toBe(false);
    expect(JSON.parse(readFileSync(join(out, "manifest.json"), "utf8"))).toEqual(made);
    const index = readFileSync(join(out, "modules/index.js"), "utf8");
    expect(index).toContain('export * from "./storefront/worker.js"');
    expect(index.indexOf('import "./origin.js"')).toBeLessThan(index.indexOf('from "./storefront/worker.js"'));
  });

  it("goes to the API by the zone's rules, or the origin would refuse the store's own requests", async () => {
    const made = await build(directory());
    expect(made.compatibility_flags).toEqual(["nodejs_compat", "global_fetch_strictly_public"]);
  });

  it("has what it knows its visitor by, also where the bundle asks for nothing of Node's", async () => {
    const plain = JSON.stringify({ main: ".open-next/worker.js", compatibility_date: "2026-04-01" });
    const made = await build(directory({ "wrangler.json": plain }));
    expect(made.compatibility_flags).toEqual(["global_fetch_strictly_public", "nodejs_als"]);
  });

  it("is the same for the same bundle, and another as soon as one asset differs", async () => {
    const [one, two, other] = [
      await build(directory()),
      await build(directory()),
      await build(directory({ "assets/hello.txt": "hullo" })),
    ];
    expect(one.digest).toBe(two.digest);
    expect(one.digest).not.toBe(other.digest);
  });

  it("does not replace a directory that it did not make", async () => {
    const out = directory();
    await expect(compose({ bundle: directory(), out, plan: "free" })).rejects.toThrow(/name another directory/);
    expect(existsSync(join(out, "worker.js"))).toBe(true);
  });

  it("replaces its own earlier output whole", async () => {
    const out = join(directory(), "composed");
    await compose({ bundle: directory({ "assets/old.txt": "old" }), out, plan: "free" });
    await compose({ bundle: directory(), out, plan: "free" });
    expect(existsSync(join(out, "assets/old.txt"))).toBe(false);
  });
});

describe("what is no Worker with assets", () => {
  it.each<[string, Record<string, string | null>, RegExp]>([
    ["no worker", { "worker.js": null }, /there is no worker.js in it/],
    ["no assets", { "assets/hello.txt": null, "assets/_headers": null }, /assets\/ is missing or empty/],
    ["no configuration", { "wrangler.json": null }, /no wrangler.json or wrangler.jsonc/],
    ["broken configuration", { "wrangler.json": "{" }, /wrangler.json is not JSON/],
    ["no date", { "wrangler.json": "{}" }, /no compatibility_date/],
    ["not bundled", { "worker.js": 'import "./middleware/handler.mjs"; export default {}' }, /not bundled yet/],
    ["a script", { "worker.js": "addEventListener('fetch', () => {})" }, /no default export/],
    ["something else", { "notes.docx": "x" }, /notes.docx is neither a module nor an asset/],
  ])("is refused: %s", async (_, files, message) => {
    await expect(build(directory(files))).rejects.toThrow(message);
    await expect(build(directory(files))).rejects.toThrow(/wrangler deploy --dry-run --outdir/);
  });

  it("is refused where it does not exist", async () => {
    await expect(build("/nowhere")).rejects.toThrow(/\/nowhere is no Worker with assets: there is no such directory/);
  });

  it("refuses an asset that would hide /health: monitoring once read a file for months", async () => {
    await expect(build(directory({ "assets/health.html": "x" }))).rejects.toThrow(/\/health.html hides an address/);
  });

  it("reads wrangler.jsonc with comments", async () => {
    const jsonc = '{ // ours\n "compatibility_date": "2026-04-01", }';
    const made = await build(directory({ "wrangler.json": null, "wrangler.jsonc": jsonc }));
    expect(made.compatibility_date).toBe("2026-04-01");
  });
});

describe("plain variables in wrangler.json", () => {
  const vars = (given: object) =>
    directory({ "wrangler.json": JSON.stringify({ ...JSON.parse(String(FILES["wrangler.json"])), vars: given }) });

  it.each<[string, string]>([
    ["STRIPE_SECRET_KEY", "x"],
    ["ANYTHING", `sk_${"live"}_abc`],
    ["DATABASE_URL", "postgres://medusa:hunter2@db/medusa"],
  ])("are refused where they look like a secret: %s went to everybody who had the build", async (name, value) => {
    await expect(build(vars({ [name]: value }))).rejects.toThrow(new RegExp(`${name} in its wrangler.json looks like`));
    await expect(build(vars({ [name]: value }))).rejects.not.toThrow(/hunter2/);
  });

  it("pass where they are public, or empty", async () => {
    const given = { NEXT_PUBLIC_STRIPE_KEY: "pk_test_x", API_KEY: "", MEDUSA_BACKEND_URL: "http://localhost:9000" };
    expect((await build(vars(given))).main_module).toBe("index.js");
  });
});

describe("Cloudflare's limits", () => {
  const MIB = 1024 * 1024;

  it("names size and limit of what is too large compressed, and which plan would do", async () => {
    const bundle = directory();
    writeFileSync(join(bundle, "abc-data.bin"), randomBytes(4 * MIB));
    await expect(build(bundle)).rejects.toThrow(
      /modules are 4\.0\d MiB compressed; the limit of Workers free is 3\.00 MiB .*Workers Paid allows it/,
    );
    expect((await build(bundle, "paid")).size.raw).toBeGreaterThan(4 * MIB);
  });

  it("names an asset that is too large", async () => {
    const bundle = directory();
    mkdirSync(join(bundle, "assets/video"), { recursive: true });
    writeFileSync(join(bundle, "assets/video/film.mp4"), Buffer.alloc(26 * MIB));
    await expect(build(bundle, "paid")).rejects.toThrow(
      /\/video\/film.mp4 is 26.00 MiB; an asset has at most 25.00 MiB/,
    );
  });

  it("counts assets by plan, and tells all that is wrong at once", () => {
    const assets = Array.from({ length: 20_001 }, (_, i) => ({ path: `/${i}`, size: 1 }));
    const size = { raw: 65 * MIB, gzip: 11 * MIB };
    expect(() => checkLimits("free", size, assets)).toThrow(/65\.00 MiB; .*64\.00 MiB\n.*11\.00 MiB.*\n.*20001 assets/);
    expect(() => checkLimits("paid", { raw: 1, gzip: 1 }, assets)).not.toThrow();
  });
});
