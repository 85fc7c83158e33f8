/**
 * Passes: operators see the store while it is closed.
 *
 * A pass is `v1.EXPIRES.HOLDER.MAC`: EXPIRES in seconds since 1970, HOLDER who it was made out to, MAC the HMAC-SHA256 of
 * `store-pass:v1.EXPIRES.HOLDER` under PASS_SECRET as unpadded base64url. It is made by whoever holds the secret, needs no
 * storage, and ends by itself.
 */
import type { Env } from "./env.ts";

/** `__Host-`: browsers take it over https only, for this host only. */
export const COOKIE = "__Host-store-pass";
/** Seconds that a pass may last at most, so that one made out wrongly ends, too. */
export const LONGEST = 24 * 3600;

const FORM = /^(v1\.(\d{10})\.([A-Za-z0-9@._+-]{1,64}))\.([A-Za-z0-9_-]{43})$/;
const HMAC = { name: "HMAC", hash: "SHA-256" };
const bytes = (text: string) => new TextEncoder().encode(text);

export interface Pass {
  readonly holder: string;
  /** Seconds since 1970. */
  readonly expires: number;
}

/** The pass that `token` is, or null where it is none: badly formed, ended, made out for too long, or not signed by us. */
export async function verify(token: string, env: Env, now = Date.now()): Promise<Pass | null> {
  const [, signed, expiry, holder, mac] = FORM.exec(token) ?? [];
  if (!signed || !expiry || !holder || !mac) return null;
  const expires = Number(expiry);
  const left = expires - now / 1000;
  if (left <= 0 || left > LONGEST) return null;
  const given = base64url(mac);
  for (const secret of [env.PASS_SECRET, env.PASS_SECRET_PREVIOUS]) {
    if (!secret) continue;
    const key = await crypto.subtle.importKey("raw", bytes(secret), HMAC, false, ["verify"]);
    // subtle.verify compares in constant time; comparing strings here would tell how much of a guess was right.
    if (await crypto.subtle.verify("HMAC", key, given, bytes(`store-pass:${signed}`))) return { holder, expires };
  }
  return null;
}

function base64url(text: string): Uint8Array {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

export async function hasPass(request: Request, env: Env): Promise<boolean> {
  for (const pair of (request.headers.get("cookie") ?? "").split(";")) {
    const [name, value] = pair.split("=", 2);
    if (name?.trim() === COOKIE && value && (await verify(value.trim(), env))) return true;
  }
  return false;
}

/** Answers /maintenance/pass?token=PASS: puts the pass into a cookie and leads to the store. */
export async function takePass(request: Request, env: Env): Promise<Response> {
  const headers = { "cache-control": "no-store", "referrer-policy": "no-referrer" };
  const token = new URL(request.url).searchParams.get("token") ?? "";
  const pass = await verify(token, env);
  if (!pass)
    return new Response("This pass is not valid, or has ended: ask for a new one.\n", { status: 403, headers });
  const seconds = Math.max(1, Math.floor(pass.expires - Date.now() / 1000));
  const cookie = `${COOKIE}=${token}; Max-Age=${seconds}; Path=/; Secure; HttpOnly; SameSite=Lax`;
  return new Response(null, { status: 303, headers: { ...headers, location: "/", "set-cookie": cookie } });
}
