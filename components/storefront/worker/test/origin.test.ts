import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Running, run } from "./fixture.ts";

const API = "https://api.store.example:8443";
const ORIGIN_SECRET = "only-the-edge-knows-it";

describe("requests to the API", () => {
  let store: Running;
  let asked: [string, string, string | null][] = [];
  beforeAll(async () => {
    const outboundService = (request: Request) => {
      const { href, pathname, searchParams } = new URL(request.url);
      asked.push([request.method, href, request.headers.get("x-origin-secret")]);
      if (pathname !== "/moved" && pathname !== "/circle") return new Response("{}");
      const location = searchParams.get("to") ?? pathname;
      return new Response(null, { status: Number(searchParams.get("status") ?? 302), headers: { location } });
    };
    store = await run({ MEDUSA_BACKEND_URL: `${API}/`, ORIGIN_SECRET }, { outboundService });
  });
  beforeEach(() => {
    asked = [];
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

  it("leave redirects alone where the bundle asked for that", async () => {
    expect(await ask(moved("/store/regions"), { redirect: "manual" })).toMatch(/^302 /);
  });
});
