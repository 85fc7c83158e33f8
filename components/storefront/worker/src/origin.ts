/**
 * Requests to the store's API carry the origin secret, by which the API's servers know that they came through the edge,
 * and the address of the visitor whom they are made for.
 *
 * A Worker's request within its own zone may pass the zone's transform rules by, which set the secret for everybody
 * else. Its CF-Connecting-IP, by which the zone's rate limits count, is what the Worker says in X-Real-IP: without it all
 * visitors would be counted as one.
 *
 * This module is loaded before the bundle, so that whatever keeps `fetch` for itself keeps this one.
 */
import { env } from "cloudflare:workers";
import { AsyncLocalStorage } from "node:async_hooks";
import type { Env } from "./env.ts";

export const HEADER = "x-origin-secret";
const REAL_IP = "x-real-ip";
const MOST = 5; // redirects
const REDIRECTS = [301, 302, 303, 307, 308];

const real = globalThis.fetch;
const visitor = new AsyncLocalStorage<string>();

/** Does `work`, whose requests to the API are made for whoever sent `request`. */
export function onBehalfOf<T>(request: Request, work: () => T): T {
  const address = request.headers.get("cf-connecting-ip");
  return address ? visitor.run(address, work) : work();
}

globalThis.fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
  const secret = forApi(new URL(input instanceof Request ? input.url : String(input)));
  return secret ? asked(new Request(input, init), secret) : real(input, init);
};

/** The secret where `url` is the API's origin, over https; else null. Read at each request: there is none at load. */
function forApi(url: URL): string | null {
  const { MEDUSA_BACKEND_URL: api, ORIGIN_SECRET: secret } = env as Env;
  if (!secret || !api || url.protocol !== "https:") return null;
  try {
    return url.origin === new URL(api).origin ? secret : null;
  } catch {
    return null; // MEDUSA_BACKEND_URL is no address: the bundle's own request says so
  }
}

/** Redirects are followed here: the runtime would take the header along to wherever they lead. */
async function asked(request: Request, secret: string, left = MOST): Promise<Response> {
  const follows = request.redirect === "follow";
  const headers = new Headers(request.headers);
  headers.set(HEADER, secret);
  const address = visitor.getStore();
  if (address) headers.set(REAL_IP, address);
  const answer = await real(new Request(request, { headers, redirect: follows ? "manual" : request.redirect }));
  const location = answer.headers.get("location");
  if (!follows || !location || !REDIRECTS.includes(answer.status)) return answer;
  if (left === 0) throw new TypeError(`${request.url} redirects more than ${MOST} times`);
  await answer.body?.cancel();
  const to = new URL(location, request.url);
  const next = following(request, answer.status, to);
  const again = forApi(to);
  return again ? asked(next, again, left - 1) : real(next);
}

/** The next request, as fetch's specification has it; what was sent as a body is gone and cannot be sent again. */
function following(request: Request, status: number, to: URL): Request {
  const headers = new Headers(request.headers);
  for (const name of [HEADER, REAL_IP]) headers.delete(name);
  if (to.origin !== new URL(request.url).origin) headers.delete("authorization");
  const bodiless = request.method === "GET" || request.method === "HEAD";
  const becomesGet = status === 303 || (request.method === "POST" && status < 303);
  if (!bodiless && !becomesGet)
    throw new TypeError(`${request.url} redirects a ${request.method}: name the address it leads to`);
  const method = bodiless ? request.method : "GET";
  if (!bodiless) for (const name of ["content-type", "content-length"]) headers.delete(name);
  return new Request(to, { method, headers, redirect: "follow", signal: request.signal });
}
