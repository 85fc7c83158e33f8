/** What visitors get while the store is closed: 503 with Retry-After, as a page or as JSON. */
import type { Maintenance } from "./maintenance.ts";
import { escaped, time, wantsPage, zone } from "./text.ts";

/** Seconds after which to try again where the end is not known. */
const UNKNOWN = 300;

export function closed(request: Request, state: Maintenance): Response {
  const seconds = state.until ? Math.max(1, Math.ceil((state.until.getTime() - Date.now()) / 1000)) : UNKNOWN;
  const page = wantsPage(request);
  const body = page
    ? html(state, zone(request))
    : `${JSON.stringify({ error: "maintenance", until: state.until?.toISOString() ?? null, message: state.message })}\n`;
  return new Response(request.method === "HEAD" ? null : body, {
    status: 503,
    headers: {
      "content-type": page ? "text/html; charset=utf-8" : "application/json",
      "retry-after": String(seconds),
      "cache-control": "no-store",
      "content-security-policy":
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
      "x-robots-tag": "noindex",
    },
  });
}

function html(state: Maintenance, timeZone: string): string {
  const end = state.until ? `We expect to be back by ${time(state.until, timeZone)}.` : "We will be back shortly.";
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Back soon · OpticWorks Store</title>
<style>
  body { font: 1.125rem/1.6 system-ui, sans-serif; max-width: 34rem; margin: 20vh auto 0; padding: 0 1rem; color: #16202b }
  h1 { font-size: 1.75rem; margin: 0 }
</style>
<h1>We are working on the store</h1>
<p>${end}</p>
${state.message ? `<p>${escaped(state.message)}</p>\n` : ""}<p>Your cart is kept, and nothing that you ordered is lost.</p>
</html>
`;
}
