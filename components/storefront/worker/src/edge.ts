/**
 * The Worker before the storefront's bundle.
 *
 * Static files are served by the platform before any Worker runs. Of what reaches this one, it answers /health and
 * /maintenance/pass itself, all of the status page's host, everything else while the store is closed, and hands on the
 * rest untouched. Every answer says in `x-store-version` which version gave it.
 */
import type { Bundle, Env } from "./env.ts";
import { health } from "./health.ts";
import { maintenance } from "./maintenance.ts";
// The module that is loaded before the bundle, not a second one in this: see build/compose.mjs.
import { onBehalfOf } from "./origin.js";
import { closed } from "./page.ts";
import { hasPass, takePass } from "./passes.ts";
import { status } from "./status.ts";

/** Paths that the bundle never sees; no asset may have one of them either, for it would be served instead. */
export const HEALTH = "/health";
export const PASS = "/maintenance/pass";

type Fetch = Bundle["fetch"];

/** The bundle with this Worker before it. */
export function before(bundle: Bundle): Bundle {
  return {
    ...bundle,
    async fetch(request, env, context) {
      return stamped(await onBehalfOf(request, () => answer(bundle, request, env, context)), env);
    },
  };
}

async function answer(bundle: Bundle, ...[request, env, context]: Parameters<Fetch>): Promise<Response> {
  const { hostname, pathname } = new URL(request.url);
  if (pathname === HEALTH) return health(request, env);
  if (env.STATUS_HOST && hostname === env.STATUS_HOST.toLowerCase()) return status(request, env);
  if (pathname === PASS) return takePass(request, env);
  const state = await maintenance(env);
  if (!state) return bundle.fetch(request, env, context);
  if (!(await hasPass(request, env))) return closed(request, state);
  const response = mutable(await bundle.fetch(request, env, context));
  // Only its operator may see it: no cache on the way keeps a page that others are not to get.
  response.headers.set("cache-control", "private, no-store");
  return response;
}

function stamped(response: Response, env: Env): Response {
  const version = env.CF_VERSION_METADATA?.id;
  if (!version || response.webSocket) return response;
  const marked = mutable(response);
  marked.headers.set("x-store-version", version);
  return marked;
}

/** Answers of fetch and of the assets binding have headers that cannot be changed; the body is not copied. */
const mutable = (response: Response) => (response.webSocket ? response : new Response(response.body, response));
