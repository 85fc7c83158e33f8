/**
 * `/health` of the edge: `{"status": "ok", "version": {...}, "maintenance": {...}}`, always 200 while the Worker answers.
 *
 * `/health?api` asks the API's /health as well, over the way that pages take, and is 503 where that fails.
 */
import type { Env } from "./env.ts";
import { maintenance } from "./maintenance.ts";

export interface ApiHealth {
  readonly status: "ok" | "unreachable";
  /** What it answered, or null where it did not. */
  readonly http: number | null;
  readonly milliseconds: number;
  readonly reason?: string;
}

const PATIENCE = 2_000; // ms
/** ms for which an answer of the API is told again: a storm of probes here is none there. */
const BELIEVED = 2_000;

let asked: { readonly at: number; readonly health: ApiHealth } | undefined;

export async function health(request: Request, env: Env): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response(null, { status: 405, headers: { allow: "GET, HEAD" } });
  }
  const closed = await maintenance(env);
  const api = new URL(request.url).searchParams.has("api") ? await apiHealth(env) : undefined;
  const ok = api === undefined || api.status === "ok";
  const { id, tag, timestamp } = env.CF_VERSION_METADATA ?? {};
  const body = {
    status: ok ? "ok" : "unavailable",
    version: { id: id ?? null, tag: tag ?? null, timestamp: timestamp ?? null },
    maintenance: { active: closed !== null, until: closed?.until?.toISOString() ?? null },
    ...(api && { api }),
  };
  return new Response(request.method === "HEAD" ? null : `${JSON.stringify(body)}\n`, {
    status: ok ? 200 : 503,
    headers: { "content-type": "application/json", "cache-control": "no-store" },
  });
}

export async function apiHealth(env: Env): Promise<ApiHealth> {
  if (asked && Date.now() - asked.at < BELIEVED) return asked.health;
  const start = Date.now();
  const answer = await ask(env.MEDUSA_BACKEND_URL);
  asked = { at: Date.now(), health: { ...answer, milliseconds: Date.now() - start } };
  return asked.health;
}

async function ask(base: string | undefined): Promise<Omit<ApiHealth, "milliseconds">> {
  if (!base) return { status: "unreachable", http: null, reason: "MEDUSA_BACKEND_URL is not set" };
  try {
    const address = `${base.replace(/\/+$/, "")}/health`;
    const response = await fetch(address, { signal: AbortSignal.timeout(PATIENCE), redirect: "manual" });
    await response.body?.cancel();
    return { status: response.ok ? "ok" : "unreachable", http: response.status };
  } catch (error) {
    return { status: "unreachable", http: null, reason: error instanceof Error ? error.message : String(error) };
  }
}
