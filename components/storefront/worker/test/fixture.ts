/** A bundle as wrangler leaves it, and the composed Worker running in workerd. */
import { createHmac } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Miniflare, type Response, type WorkerOptions } from "miniflare";
import { compose } from "../build/compose.mjs";

export const SECRET = "a-secret-for-tests";
export const VERSION = { id: "5b1c0a52-6a0f-4d3c-9a53-8f0c7d3b8a11", tag: "v1", timestamp: "2026-04-01T00:00:00Z" };

/** Echoes what it got; a module beside it and a named export show that composition keeps both. */
const WORKER = `
import greeting from "./abc-greeting.txt";
const early = fetch;
export class Counter { fetch() { return new Response("counted") } }
export default {
  async fetch(request, env, ctx) {
    const url = new URL(request.url);
    if (url.pathname === "/asset") return env.ASSETS.fetch(new URL("/hello.txt", url));
    if (url.pathname === "/ask") {
      const { to, first, method = "GET", redirect = "follow" } = Object.fromEntries(url.searchParams);
      if (first) await (await early(first)).text();
      const answer = await early(to, { method, redirect, body: method === "GET" ? undefined : "x" }).catch((error) => error);
      return new Response(answer instanceof Error ? answer.message : answer.status + " " + answer.url);
    }
    if (url.pathname === "/empty") return new Response(null, { status: 204 });
    if (url.pathname === "/socket") {
      const [client, server] = Object.values(new WebSocketPair());
      server.accept(); server.send("hello"); server.close(1000);
      return new Response(null, { status: 101, webSocket: client });
    }
    const body = { greeting, api: env.MEDUSA_BACKEND_URL, method: request.method, text: await request.text() };
    return Response.json(body, { headers: { "set-cookie": "a=1", "cache-control": "public, max-age=60" } });
  },
};
`;

export const FILES: Record<string, string> = {
  "worker.js": WORKER,
  "abc-greeting.txt": "good day",
  "worker.js.map": "{}",
  "README.md": "made by wrangler",
  "wrangler.json": JSON.stringify({
    main: ".open-next/worker.js",
    compatibility_date: "2026-04-01",
    compatibility_flags: ["nodejs_compat"],
  }),
  "assets/hello.txt": "hello",
  "assets/_headers": "/*\n  x-from-headers: yes\n",
};

/** A directory with `files`; a null takes one of the usual files out. */
export function directory(files: Record<string, string | Buffer | null> = {}): string {
  const root = mkdtempSync(join(tmpdir(), "bundle-"));
  for (const [name, content] of Object.entries({ ...FILES, ...files })) {
    if (content === null) continue;
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  return root;
}

export interface Running extends AsyncDisposable {
  /** `path` at the store's host, or a whole address. */
  get(path: string, init?: Parameters<Miniflare["dispatchFetch"]>[1]): Promise<Response>;
  miniflare: Miniflare;
}

/** The composed Worker in workerd; `bindings` are its plain variables, `others` Workers that it is bound to. */
export async function run(
  bindings: Record<string, string>,
  more: Partial<WorkerOptions> = {},
  ...others: WorkerOptions[]
): Promise<Running> {
  const out = join(directory(), "out");
  const made = await compose({ bundle: directory(), out, plan: "free" });
  const store = {
    name: "store",
    modules: made.modules.map(({ name, content_type }) => ({
      type: content_type === "text/plain" ? "Text" : "ESModule",
      path: name,
      contents: readFileSync(join(out, "modules", name), "utf8"),
    })),
    modulesRoot: "/",
    compatibilityDate: made.compatibility_date,
    compatibilityFlags: made.compatibility_flags,
    bindings: { CF_VERSION_METADATA: VERSION, ...bindings },
    assets: { directory: join(out, "assets"), binding: "ASSETS", routerConfig: { has_user_worker: true } },
    ...more,
  } as WorkerOptions;
  const miniflare = new Miniflare({ workers: [store, ...others] });
  await miniflare.ready;
  return {
    miniflare,
    get: (path, init) =>
      miniflare.dispatchFetch(new URL(path, "https://store.example"), { redirect: "manual", ...init }),
    [Symbol.asyncDispose]: () => miniflare.dispose(),
  };
}

/** A pass as an operator's command makes it, on another implementation of HMAC than the Worker's. */
export function pass(seconds: number, holder = "ada@optic.works", secret = SECRET): string {
  const signed = `v1.${Math.floor(Date.now() / 1000) + seconds}.${holder}`;
  return `${signed}.${createHmac("sha256", secret).update(`store-pass:${signed}`).digest("base64url")}`;
}
