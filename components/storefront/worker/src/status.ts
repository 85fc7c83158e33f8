/**
 * The status page, on a host of its own: the store's version, maintenance now or announced, and how the API is.
 *
 * A page for browsers, JSON for programs and at /status.json. It is answered while the store is closed as well, and from
 * the edge alone, so that it is there when the API is not.
 */
import type { Env } from "./env.ts";
import { type ApiHealth, apiHealth } from "./health.ts";
import { type Announcement, announcement, type Maintenance, maintenance } from "./maintenance.ts";
import { escaped, time, wantsPage, zone } from "./text.ts";

const PAGES = ["/", "/status", "/status.json"];
/** Seconds that browsers and caches may tell it again. */
const FRESH = 5;

interface Status {
  readonly now: Maintenance | null;
  readonly next: Announcement | null;
  readonly api: ApiHealth;
  readonly version: string | null;
}

export async function status(request: Request, env: Env): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (!PAGES.includes(pathname)) return new Response("There is only / and /status.json here.\n", { status: 404 });
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response(null, { status: 405, headers: { allow: "GET, HEAD" } });
  }
  const [now, next, api] = await Promise.all([maintenance(env), announcement(env), apiHealth(env)]);
  const found = { now, next, api, version: env.CF_VERSION_METADATA?.id ?? null };
  const page = pathname !== "/status.json" && wantsPage(request);
  const body = page ? html(found, zone(request)) : `${JSON.stringify(json(found))}\n`;
  return new Response(request.method === "HEAD" ? null : body, {
    headers: {
      "content-type": page ? "text/html; charset=utf-8" : "application/json",
      "cache-control": `public, max-age=${FRESH}`,
      vary: "accept",
      // Read by other sites' dashboards; there is nothing in it that is not for everybody.
      "access-control-allow-origin": "*",
      "content-security-policy":
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
      "x-robots-tag": "noindex",
    },
  });
}

type Word = "operational" | "maintenance" | "degraded";

const word = ({ now, api }: Status): Word => (now ? "maintenance" : api.status === "ok" ? "operational" : "degraded");

function json(found: Status): object {
  const { now, next, api, version } = found;
  const moment = (date: Date | null | undefined) => date?.toISOString() ?? null;
  return {
    status: word(found),
    storefront: { status: now ? "maintenance" : "ok", version },
    // Why it does not answer is for those who look after it: /health?api says so.
    api: { status: api.status, milliseconds: api.milliseconds },
    maintenance: now && { until: moment(now.until), message: now.message },
    announced: next && { from: moment(next.from), until: moment(next.until), message: next.message },
  };
}

const HEADLINES: Record<Word, string> = {
  operational: "The store is open",
  maintenance: "The store is closed for maintenance",
  degraded: "The store is open, but has trouble",
};

function html(found: Status, timeZone: string): string {
  const { now, next, api, version } = found;
  const told = (message: string | null) => (message ? `<p>${escaped(message)}</p>\n` : "");
  const end = now && `<p>Expected to end: ${now.until ? time(now.until, timeZone) : "not known yet"}.</p>\n`;
  const to = next?.until ? ` to ${time(next.until, timeZone)}` : "";
  const coming = next && `<h2>Announced</h2>\n<p>Maintenance from ${time(next.from, timeZone)}${to}.</p>\n`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="60">
<title>${HEADLINES[word(found)]} · OpticWorks Store</title>
<style>
  body { font: 1.125rem/1.6 system-ui, sans-serif; max-width: 34rem; margin: 12vh auto 0; padding: 0 1rem; color: #16202b }
  h1 { font-size: 1.75rem; margin: 0 } h2 { font-size: 1.25rem } dt { font-weight: 600 } dd { margin: 0 0 .5rem }
</style>
<h1>${HEADLINES[word(found)]}</h1>
${end ?? ""}${told(now?.message ?? null)}${coming ?? ""}${told(next?.message ?? null)}<h2>Parts</h2>
<dl>
<dt>Storefront</dt><dd>${now ? "closed for maintenance" : "answers"}${version ? `, version ${escaped(version)}` : ""}</dd>
<dt>API</dt><dd>${api.status === "ok" ? `answers, in ${api.milliseconds} ms` : "does not answer"}</dd>
</dl>
</html>
`;
}
