import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Running, run } from "./fixture.ts";

const API = "https://api.store.example:8443";
const ORIGIN_SECRET = "only-the-edge-knows-it";

describe("requests to the API", () => {
  let store: Running;
  let asked: [string, string, string | null][] = [];
  /** Address, and whom the request is said to be made for. */
  let visitorsOf: [string, string | null][] = [];
  let waiting: (() => void)[] = [];
  beforeAll(async () => {
    const outboundService = async (request: Request) => {
      const { href, pathname, searchParams } = new URL(request.url);
      asked.push([request.method, href, request.headers.get("x-origin-secret")]);
      visitorsOf.push([href, request.headers.get("x-real-ip")]);
      if (pathname === "/together") {
        // Nobody is answered before the second visitor has asked as well.
        await new Promise<void>((answer) => {
          waiting.push(answer);
          if (waiting.length === 2) for (const one of waiting) one();
        });
      }
      if (pathname !== "/moved" && pathname !== "/circle") return new Response("{}");
      const location = searchParams.get("to") ?? pathname;
      return new Response(null, { status: Number(searchParams.get("status") ?? 302), headers: { location } });
    };
    store = await run({ MEDUSA_BACKEND_URL: `${API}/`, ORIGIN_SECRET }, { outboundService });
  });
  beforeEach(() => {
    asked = [];
    visitorsOf = [];
    waiting = [];
  });
  afterAll(() => store[Symbol.asyncDispose]());

  const ask = async (to: string, more: Record<string, string> = {}) =>
    (await store.get(`/ask?${new URLSearchParams({ to, ...more })}`)).text();
  const moved = (to: string, status = "302") => `${API}/moved?${new URLSearchParams({ to, status })}`;

  it("carry the secret, also by a fetch that the bundle took when it was loaded (its pages were refused: 403)", async () => {
    expect(await ask(`${API}/store/products`)).toBe(`200 ${API}/store/products`);
    await ask(`${API}/store/carts`, { method: "POST" });
    expect(asked).toEqual([
      ["GET", `${API}/store/products`, ORIGIN_SECRET],
      ["POST", `${API}/store/carts`, ORIGIN_SECRET],
    ]);
  });

  it.each([
    "https://api.store.example/store",
    "http://api.store.example:8443/store",
    "https://evil.example/api.store.example:8443",
    "https://api.store.example:8443@evil.example/",
  ])("are those to its exact origin over https alone: %s is none", async (to) => {
    await ask(to);
    expect(asked.map(([, , secret]) => secret)).toEqual([null]);
  });

  it("do not take the secret along to where the API redirects", async () => {
    await ask(moved("https://elsewhere.example/x"));
    expect(asked.map(([, url, secret]) => [url, secret])).toEqual([
      [moved("https://elsewhere.example/x"), ORIGIN_SECRET],
      ["https://elsewhere.example/x", null],
    ]);
  });

  it("follow redirects within the API with it, and give up on a circle", async () => {
    await ask(moved("/store/regions", "301"), { method: "POST" });
    expect(asked[1]).toEqual(["GET", `${API}/store/regions`, ORIGIN_SECRET]);
    expect(await ask(`${API}/circle`)).toMatch(/redirects more than 5 times/);
  });

  it("say so where a body would have to be sent again", async () => {
    expect(await ask(moved("/store/carts", "307"), { method: "POST" })).toMatch(/redirects a POST/);
    expect(asked).toHaveLength(1);
  });

  it("count for the visitor whom they are made for, of two at one time (one limit for all closed the shop)", async () => {
    const visitors = ["192.0.2.1", "2001:db8::2"];
    await Promise.all(
      visitors.map((ip) =>
        store.get(`/ask?${new URLSearchParams({ first: `${API}/together`, to: `${API}/store/carts?of=${ip}` })}`, {
          headers: { "cf-connecting-ip": ip, "x-real-ip": "203.0.113.9" },
        }),
      ),
    );
    const told = Object.fromEntries(visitorsOf.map(([url, ip]) => [url.split("of=")[1], ip]));
    expect(told).toMatchObject(Object.fromEntries(visitors.map((ip) => [ip, ip])));
    expect(visitorsOf.filter(([url]) => url.endsWith("/together")).map(([, ip]) => ip)).toEqual(
      expect.arrayContaining(visitors),
    );
  });

  it("do not tell a visitor's address where the API redirects, nor other origins", async () => {
    const headers = { "cf-connecting-ip": "192.0.2.1" };
    await store.get(`/ask?${new URLSearchParams({ to: moved("https://elsewhere.example/x") })}`, { headers });
    await store.get(`/ask?${new URLSearchParams({ to: "https://elsewhere.example/y" })}`, { headers });
    expect(visitorsOf.map(([url, ip]) => [new URL(url).pathname, ip])).toEqual([
      ["/moved", "192.0.2.1"],
      ["/x", null],
      ["/y", null],
    ]);
  });

  it("leave redirects alone where the bundle asked for that", async () => {
    expect(await ask(moved("/store/regions"), { redirect: "manual" })).toMatch(/^302 /);
  });
});
