/** What pages have in common: whom they are for, and how times and texts of others are written into them. */

/** Browsers name text/html; programs that ask for anything, or for JSON, get JSON. */
export const wantsPage = (request: Request) => (request.headers.get("accept") ?? "").includes("text/html");

/** The visitor's own time zone as the edge knows it. */
export const zone = (request: Request) => (request.cf?.timezone as string | undefined) ?? "UTC";

/** A time in the visitor's zone, with its exact value for programs. */
export const time = (date: Date, timeZone: string) =>
  `<time datetime="${date.toISOString()}">${escaped(spoken(date, timeZone))}</time>`;

function spoken(date: Date, timeZone: string): string {
  const style = { dateStyle: "long", timeStyle: "short" } as const;
  const [shown, name] = [timeZone, "UTC"].map((one) => {
    try {
      return `${new Intl.DateTimeFormat("en-GB", { ...style, timeZone: one }).format(date)} (${one})`;
    } catch {
      return null; // a zone that this runtime does not know
    }
  });
  return shown ?? name ?? date.toISOString();
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
export const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
