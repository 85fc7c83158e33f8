/**
 * Whether the store is closed for maintenance, and until when.
 *
 * Two switches with one grammar: the key `maintenance` of the STORE_STATE namespace, for tonight, and the variable
 * MAINTENANCE, for a deployment that has to find the store closed. The store is closed while either is on.
 *
 * A switch may name a time to come, from which it is on: until then it is an announcement, for the status page.
 */
import type { Env } from "./env.ts";

export interface Maintenance {
  /** When it is expected to end; null where nobody said, or where the time has passed. */
  readonly until: Date | null;
  readonly message: string | null;
}

/** Maintenance that is still to come. */
export interface Announcement extends Maintenance {
  readonly from: Date;
}

export const KEY = "maintenance";
/** ms that an isolate believes what it read: with KV's own cache (60 s) a switch reaches everybody in about a minute. */
const BELIEVED = 5_000;
/** ms after which the store opens its doors without having heard from KV. */
const PATIENCE = 1_000;

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/;

let known: { readonly at: number; readonly value: string | null } | undefined;

/**
 * Reads a switch: `off` or nothing is off; a time with its zone (2026-05-01T14:30Z) is on and expected to end then;
 * `{"from": time, "until": time, "message": text}` says more, each of it or none; anything else is on: whoever wrote it
 * meant to close the store.
 */
export function parse(value: string | null | undefined, now: number): Maintenance | null {
  const read = state(value, now);
  return read === null || "from" in read ? null : read;
}

/** What a switch announces: null where it is off, or on already. */
export function announced(value: string | null | undefined, now: number): Announcement | null {
  const read = state(value, now);
  return read !== null && "from" in read ? read : null;
}

function state(value: string | null | undefined, now: number): Maintenance | Announcement | null {
  const text = value?.trim() ?? "";
  if (text === "" || text.toLowerCase() === "off") return null;
  if (!text.startsWith("{")) return { until: future(text, now), message: null };
  try {
    const told = JSON.parse(text) as { from?: unknown; until?: unknown; message?: unknown };
    const from = future(told.from, now);
    const message = typeof told.message === "string" ? told.message : null;
    return { ...(from && { from }), until: future(told.until, now), message };
  } catch {
    return { until: null, message: null };
  }
}

function future(value: unknown, now: number): Date | null {
  if (typeof value !== "string" || !TIME.test(value)) return null;
  const date = new Date(value);
  return date.getTime() > now ? date : null;
}

/** The state as it is now; null is open. Never throws: a store that cannot read its switch sells on. */
export async function maintenance(env: Env): Promise<Maintenance | null> {
  return parse(env.MAINTENANCE, Date.now()) ?? parse(await switchInKv(env), Date.now());
}

/** What is announced; the one that begins first where both switches announce something. Never throws. */
export async function announcement(env: Env): Promise<Announcement | null> {
  const found = [env.MAINTENANCE, await switchInKv(env)].map((value) => announced(value, Date.now()));
  return found.filter((one) => one !== null).toSorted((a, b) => a.from.getTime() - b.from.getTime())[0] ?? null;
}

async function switchInKv(env: Env): Promise<string | null> {
  if (!env.STORE_STATE) return null;
  if (known && Date.now() - known.at < BELIEVED) return known.value;
  try {
    const value = await Promise.race([env.STORE_STATE.get(KEY), tooLate()]);
    known = { at: Date.now(), value };
  } catch (error) {
    // What was read last holds on. The next request asks again only after a while, or every page would wait.
    console.error("maintenance switch not read", error);
    known = { at: Date.now(), value: known?.value ?? null };
  }
  return known.value;
}

async function tooLate(): Promise<never> {
  await scheduler.wait(PATIENCE);
  throw new Error(`KV did not answer within ${PATIENCE} ms`);
}
