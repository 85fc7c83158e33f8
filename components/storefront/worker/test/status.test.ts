import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Running, run, SECRET, VERSION } from "./fixture.ts";

const PAGE = { headers: { accept: "text/html,application/xhtml+xml" } };
const STATUS_HOST = "status.store.example";
const STATUS = `https://${STATUS_HOST}`;
const VARIABLES = { MEDUSA_BACKEND_URL: "https://api.store.example", PASS_SECRET: SECRET, STATUS_HOST };

describe("the status page", () => {
  let store: Running;
  let api: number | "hangs" = 200;
  let asked = 0;
  beforeAll(async () => {
    const outboundService = async () => {
      asked += 1;
      if (api === "hangs") await new Promise((resolve) => setTimeout(resolve, 10_000));
      return new Response("{}", { status: api === "hangs" ? 200 : api });
    };
    store = await run(VARIABLES, { kvNamespaces: ["STORE_STATE"], outboundService });
  });
  afterAll(() => store[Symbol.asyncDispose]());
  const json = async () => (await (await store.get(`${STATUS}/status.json`)).json()) as Record<string, unknown>;

  it("is on its own host only, and the store's pages are not on it", async () => {
    expect(await json()).toEqual({
      status: "operational",
      storefront: { status: "ok", version: VERSION.id },
      api: { status: "ok", milliseconds: expect.any(Number) },
      maintenance: null,
      announced: null,
    });
    expect((await store.get(`${STATUS}/products/x`)).status).toBe(404);
    expect((await store.get(`${STATUS}/`, { method: "POST" })).status).toBe(405);
    expect(await (await store.get("/status.json")).json()).toMatchObject({ greeting: "good day" });
  });

  it("is a page for browsers and JSON for programs, for a few seconds in caches", async () => {
    const page = await store.get(`${STATUS}/`, PAGE);
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(page.headers.get("cache-control")).toBe("public, max-age=5");
    expect(page.headers.get("vary")).toBe("accept");
    const text = await page.text();
    expect(text).toContain("The store is open");
    expect(text).toContain(VERSION.id);
    expect((await store.get(`${STATUS}/`)).headers.get("content-type")).toBe("application/json");
    expect((await store.get(`${STATUS}/status.json`, PAGE)).headers.get("content-type")).toBe("application/json");
  });

  it("asks the API once for a storm of visitors, who come when it is down", async () => {
    await expect.poll(async () => (await json()).status, { timeout: 5_000 }).toBe("operational");
    const before = asked;
    await Promise.all(Array.from({ length: 20 }, json));
    expect(asked - before).toBeLessThan(3);
  });

  it("says that the API does not answer, in a page that answers itself (it was down with the API)", async () => {
    api = 503;
    await expect.poll(async () => (await json()).status, { timeout: 10_000 }).toBe("degraded");
    const page = await store.get(`${STATUS}/`, PAGE);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain("does not answer");
    api = "hangs";
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    const start = Date.now();
    expect((await json()).status).toBe("degraded");
    expect(Date.now() - start).toBeLessThan(5_000);
    api = 200;
  });

  it("tells maintenance a day ahead, with a message that cannot be markup", async () => {
    const state = await store.miniflare.getKVNamespace("STORE_STATE");
    const from = new Date(Date.now() + 24 * 3_600_000).toISOString();
    await state.put("maintenance", JSON.stringify({ from, message: "<b>New database" }));
    await expect
      .poll(async () => (await json()).announced, { timeout: 15_000, interval: 200 })
      .toEqual({ from, until: null, message: "<b>New database" });
    expect((await store.get("/")).status).toBe(200);
    const page = await (await store.get(`${STATUS}/`, PAGE)).text();
    expect(page).toContain(`Maintenance from <time datetime="${from}">`);
    expect(page).toContain("&lt;b&gt;New database");
  }, 20_000);
});

describe("while the store is closed", () => {
  it("is there without a pass, and says until when", async () => {
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const MAINTENANCE = JSON.stringify({ until, message: "Moving" });
    await using store = await run({ ...VARIABLES, MAINTENANCE }, { outboundService: () => new Response("{}") });
    const page = await store.get(`${STATUS}/`, PAGE);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain(`Expected to end: <time datetime="${until}">`);
    const told = await (await store.get(`${STATUS}/status.json`)).json();
    expect(told).toMatchObject({ status: "maintenance", maintenance: { until, message: "Moving" } });
  });
});
