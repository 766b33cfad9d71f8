import { describe, expect, test } from "vitest";
import { provides } from "../define/offer.js";
import { NotesService, TagService } from "../fixtures/gen/notes/v1/notes_pb.js";
import { notes, tags } from "../fixtures/notes.js";
import { checkStarted } from "./check-started.js";

const offers = { notes: provides(NotesService, "1.0.0"), tags: provides(TagService, "1.0.0") };

function refusal(returned: unknown, of: Parameters<typeof checkStarted>[1] = offers) {
  const checked = checkStarted("kv", of, returned);
  if (checked.ok) throw new Error("it was expected to be refused");
  return { reason: checked.failure.info?.reason, message: checked.failure.message };
}

class Tags {
  suggest = () => ({ tags: [] });
  forget() {
    return {};
  }
}

test("what a start should return is taken, instances of classes too", async () => {
  class Started {
    services = { notes, tags: new Tags() };
    stopped = false;
    stop() {
      this.stopped = true;
    }
  }
  const started = new Started();
  const checked = checkStarted("kv", offers, started);
  if (!checked.ok) throw new Error(checked.failure.message);
  expect(checked.services.map(({ desc }) => desc.typeName)).toEqual([
    "notes.v1.NotesService",
    "notes.v1.TagService",
  ]);
  await checked.stop?.();
  expect(started.stopped).toBe(true);
  expect(checkStarted("kv", {}, {})).toEqual({ ok: true, services: [], stop: undefined });
});

describe("what types do not catch is said with plugin, service and method", () => {
  test.each([
    [undefined, "undefined"],
    [null, "null"],
    ["ok", 'the text "ok"'],
  ])("start() returned %j", (returned, found) => {
    expect(refusal(returned)).toEqual({
      reason: "START_FAILED",
      message: `Plugin "kv" cannot start: start() must return { services: { notes, tags } }, but returned ${found}.`,
    });
  });
  test("start() of a plugin without services returned nothing", () => {
    expect(refusal(undefined, {}).message).toBe(
      'Plugin "kv" cannot start: start() must return an object, such as { stop() {} }, but returned undefined.',
    );
  });
  test.each([
    [[notes, tags], "an array of 2"],
    [3, "the number 3"],
    [null, "null"],
  ])("services are %j", (services, found) => {
    expect(refusal({ services })).toEqual({
      reason: "START_FAILED",
      message: `Plugin "kv" cannot start: start() must return { services: { notes, tags } }, but its services are ${found}.`,
    });
  });
  test("stop is not a function", () => {
    expect(refusal({ services: { notes, tags }, stop: "soon" })).toEqual({
      reason: "START_FAILED",
      message:
        'Plugin "kv" cannot start: stop must be a function, but start() returned the text "soon" for it.',
    });
  });
  test("a service is missing", () => {
    expect(refusal({ services: { notes } })).toEqual({
      reason: "SERVICE_NOT_IMPLEMENTED",
      message:
        'Plugin "kv" cannot start: provides.tags declares notes.v1.TagService, but start() returned undefined for services.tags; return an object with suggest(), forget(), or take the declaration out.',
    });
    expect(refusal({}).message).toContain("provides.notes declares notes.v1.NotesService");
  });
  test("a method is missing, and another one looks like it", () => {
    const { follow, ...rest } = notes;
    expect(refusal({ services: { notes: { ...rest, folow: follow }, tags } })).toEqual({
      reason: "SERVICE_NOT_IMPLEMENTED",
      message:
        'Plugin "kv" cannot start: services.notes must implement notes.v1.NotesService/Follow as a function follow(), but follow is undefined (it has "folow", which is no method of the service).',
    });
  });
  test("a handler is not a function", () => {
    expect(refusal({ services: { notes: { ...notes, read: "text" }, tags } }).message).toBe(
      'Plugin "kv" cannot start: services.notes must implement notes.v1.NotesService/Read as a function read(), but read is the text "text".',
    );
  });
  test("a service is implemented that was not declared", () => {
    expect(refusal({ services: { notes, tags, extra: {} } })).toEqual({
      reason: "SERVICE_NOT_DECLARED",
      message:
        'Plugin "kv" cannot start: start() returned services.extra, but the plugin does not declare it; add extra: provides(…) to provides, or take it out.',
    });
  });
  test("several at once", () => {
    expect(refusal({ services: { notes: {}, extra: {} } }).message.split("\n")).toHaveLength(7);
  });
});
