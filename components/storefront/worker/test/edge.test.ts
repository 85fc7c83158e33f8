import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pass, type Running, run, SECRET, VERSION } from "./fixture.ts";

const PAGE = { headers: { accept: "text/html,application/xhtml+xml" } };
const API = "https://api.store.example";
const VARIABLES = { MEDUSA_BACKEND_URL: API, PASS_SECRET: SECRET };
const cookie = (token: string) => ({ headers: { cookie: `cart=1; __Host-store-pass=${token}; b=2` } });

describe("open", () => {
  let store: Running;
  let api = 200;
  const asked: string[] = [];
  beforeAll(async () => {
    const outboundService = (request: Request) => {
      asked.push(request.url);
      return new Response("{}", { status: api });
    };
    store = await run(VARIABLES, { kvNamespaces: ["STORE_STATE"], outboundService });
  });
  afterAll(() => store[Symbol.asyncDispose]());

  it("hands requests to the bundle as they came, with modules and variables (a Worker in front once ate bodies)", async () => {
    const answer = await store.get("/products?x=1", { method: "POST", body: "form" });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ greeting: "good day", api: API, method: "POST", text: "form" });
  });

  it("keeps the bundle's headers and adds the version, which tells a canary's answers from the others'", async () => {
    const { headers } = await store.get("/");
    expect(headers.get("x-store-version")).toBe(VERSION.id);
    expect(headers.get("cache-control")).toBe("public, max-age=60");
    expect(headers.get("set-cookie")).toBe("a=1");
  });

  it("stamps answers whose headers cannot be changed, and ones without a body", async () => {
    const asset = await store.get("/asset");
    expect([await asset.text(), asset.headers.get("x-store-version")]).toEqual(["hello", VERSION.id]);
    const empty = await store.get("/empty");
    expect([empty.status, empty.headers.get("x-store-version")]).toEqual([204, VERSION.id]);
  });

  it("lets WebSockets through", async () => {
    const answer = await store.get("/socket", { headers: { upgrade: "websocket" } });
    expect(answer.status).toBe(101);
    expect(answer.webSocket).not.toBeNull();
    answer.webSocket?.accept();
    answer.webSocket?.close();
  });

  it("serves assets", async () => {
    expect(await (await store.get("/hello.txt")).text()).toBe("hello");
  });

  it("says how it is without asking the API, so that an API's outage does not look like the edge's", async () => {
    const answer = await store.get("/health");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(await answer.json()).toEqual({
      status: "ok",
      version: VERSION,
      maintenance: { active: false, until: null },
    });
    expect(asked).toEqual([]);
    expect((await store.get("/health", { method: "POST" })).status).toBe(405);
    expect((await store.get("/health", { method: "HEAD" })).status).toBe(200);
  });

  it("asks the API when told to, once for a storm of probes, and is 503 when that is down", async () => {
    api = 503;
    const answer = await store.get("/health?api");
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ status: "unavailable", api: { status: "unreachable", http: 503 } });
    await store.get("/health?api");
    expect(asked).toEqual([`${API}/health`]);
    api = 200;
    await expect.poll(async () => (await store.get("/health?api")).status, { timeout: 10_000 }).toBe(200);
  });

  it("makes a pass into a cookie before the store is closed", async () => {
    const token = pass(3600);
    const answer = await store.get(`/maintenance/pass?token=${encodeURIComponent(token)}`);
    expect([answer.status, answer.headers.get("location")]).toEqual([303, "/"]);
    const [pair, age, ...flags] = answer.headers.get("set-cookie")?.split("; ") ?? [];
    expect(pair).toBe(`__Host-store-pass=${token}`);
    expect(age).toMatch(/^Max-Age=3(600|599)$/);
    expect(flags).toEqual(["Path=/", "Secure", "HttpOnly", "SameSite=Lax"]);
    expect((await store.get("/maintenance/pass?token=v1.1.a.b")).status).toBe(403);
    expect((await store.get("/maintenance/pass")).status).toBe(403);
  });

  it("closes and opens by a write to KV, without a deployment", async () => {
    const state = await store.miniflare.getKVNamespace("STORE_STATE");
    await state.put("maintenance", "on");
    await expect.poll(async () => (await store.get("/")).status, { timeout: 15_000, interval: 200 }).toBe(503);
    await state.put("maintenance", "off");
    await expect.poll(async () => (await store.get("/")).status, { timeout: 15_000, interval: 200 }).toBe(200);
  }, 40_000);
});

describe("closed", () => {
  const until = new Date(Date.now() + 3_600_000);
  let store: Running;
  beforeAll(async () => {
    const MAINTENANCE = JSON.stringify({ until: until.toISOString(), message: "New <warehouse>" });
    store = await run({ ...VARIABLES, MAINTENANCE, PASS_SECRET_PREVIOUS: "the-one-before" });
  });
  afterAll(() => store[Symbol.asyncDispose]());

  it("answers 503 with Retry-After and a page that says when (search engines dropped a store that said 200)", async () => {
    const answer = await store.get("/products/x", PAGE);
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(3500);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("x-store-version")).toBe(VERSION.id);
    const page = await answer.text();
    expect(page).toContain(`<time datetime="${until.toISOString()}">`);
    expect(page).toContain("New &lt;warehouse&gt;");
  });

  it("answers programs in JSON", async () => {
    const answer = await store.get("/api/x", { headers: { accept: "application/json" } });
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({
      error: "maintenance",
      until: until.toISOString(),
      message: "New <warehouse>",
    });
  });

  it("still says that the edge is well, or a health check would page somebody for planned work", async () => {
    const answer = await store.get("/health");
    expect([answer.status, (await answer.json()) as object]).toMatchObject([
      200,
      { status: "ok", maintenance: { active: true, until: until.toISOString() } },
    ]);
  });

  it("lets a pass through, signed by either secret, and keeps what it shows out of caches", async () => {
    for (const token of [pass(60), pass(60, "bob", "the-one-before")]) {
      const answer = await store.get("/", cookie(token));
      expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "private, no-store"]);
    }
  });

  const forged = pass(60).replace("ada@", "eve@");
  it.each([
    ["ended", pass(-1)],
    ["made out for a week", pass(7 * 24 * 3600)],
    ["made out to another", forged],
    ["signed by another", pass(60, "ada", "guess")],
    ["signed by nobody", pass(60, "ada", "").replace(/\.[^.]*$/, ".")],
    ["cut off", pass(60).slice(0, -1)],
    ["no pass", "yes"],
  ])("refuses a pass that is %s", async (_, token) => {
    expect((await store.get("/", cookie(token))).status).toBe(503);
  });
});

describe("when what it relies on is missing", () => {
  it("takes no pass where there is no secret: an empty key would let anybody sign", async () => {
    await using store = await run({ MAINTENANCE: "on", PASS_SECRET: "" });
    expect((await store.get("/", cookie(pass(60, "ada", "")))).status).toBe(503);
    const page = await store.get("/", PAGE);
    expect([page.headers.get("retry-after"), (await page.text()).includes("back shortly")]).toEqual(["300", true]);
  });

  it.each([
    ["fails", "throw new Error('KV is down')"],
    ["hangs", "await scheduler.wait(30_000)"],
  ])("sells on when KV %s", async (_, what) => {
    const script = `import { WorkerEntrypoint } from "cloudflare:workers";
      export default class extends WorkerEntrypoint { async get() { ${what} } }`;
    const kv = { name: "kv", modules: true, script, compatibilityDate: "2026-04-01" };
    await using store = await run(VARIABLES, { serviceBindings: { STORE_STATE: "kv" } }, kv);
    const start = Date.now();
    expect((await store.get("/")).status).toBe(200);
    expect(Date.now() - start).toBeLessThan(5_000);
  });

  it("works without any of its bindings", async () => {
    await using store = await run({});
    expect((await store.get("/")).status).toBe(200);
    expect(await (await store.get("/health?api")).json()).toMatchObject({
      api: { status: "unreachable", http: null, reason: "MEDUSA_BACKEND_URL is not set" },
    });
  });
});
