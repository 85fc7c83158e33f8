import { describe, expect, it } from "vitest";
import { announced, parse } from "../src/maintenance.ts";

const NOW = Date.parse("2026-05-01T12:00:00Z");

describe("the switch", () => {
  it.each([null, undefined, "", "  ", "off", "OFF\n"])("is off with %j", (value) => {
    expect(parse(value, NOW)).toBeNull();
  });

  it.each(["on", "true", "1", "yes please", "{broken", "{}", "2026-05-01"])("is on without an end with %j", (value) => {
    expect(parse(value, NOW)).toEqual({ until: null, message: null });
  });

  it("takes a time in any zone", () => {
    expect(parse("2026-05-01T16:30+02:00", NOW)?.until?.toISOString()).toBe("2026-05-01T14:30:00.000Z");
  });

  it("stays on when the expected end has passed: work takes as long as it takes", () => {
    expect(parse("2026-05-01T11:00:00Z", NOW)).toEqual({ until: null, message: null });
  });

  it("does not read a time without its zone, which would end an hour or two from what was meant", () => {
    expect(parse("2026-05-01T14:30:00", NOW)).toEqual({ until: null, message: null });
  });

  it("takes an end and a message", () => {
    const until = new Date("2026-05-01T14:30:00Z");
    expect(parse('{"until": "2026-05-01T14:30:00Z", "message": "m"}', NOW)).toEqual({ until, message: "m" });
  });

  it("is an announcement until the time that it names, and on from then: it closed the store a day early once", () => {
    const value = JSON.stringify({ from: "2026-05-02T12:00Z", until: "2026-05-02T14:00Z", message: "m" });
    const [from, until] = [new Date("2026-05-02T12:00:00Z"), new Date("2026-05-02T14:00:00Z")];
    expect([parse(value, NOW), announced(value, NOW)]).toEqual([null, { from, until, message: "m" }]);
    const during = from.getTime();
    expect([parse(value, during), announced(value, during)]).toEqual([{ until, message: "m" }, null]);
  });

  it.each(["off", "on", "{broken", '{"from": "soon"}'])("announces nothing with %j", (value) => {
    expect(announced(value, NOW)).toBeNull();
  });
});
