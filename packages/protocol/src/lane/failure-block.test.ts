import { describe, expect, it } from "vitest";
import { type CallFailure, createFailure } from "../failure.js";
import { EventReader, EventWriter } from "./fixtures/frame-event.js";
import { defaultSettings } from "./settings.js";

/** What a host reads of a plugin's failure. */
function send(failure: CallFailure): CallFailure | undefined {
  const writer = new EventWriter();
  writer.write({ is: "preface", settings: defaultSettings });
  writer.write({ is: "end", id: 2, trailer: [], failure });
  const event = new EventReader("host").read(writer.take())[1];
  return event?.is === "end" ? event.failure : undefined;
}

const detail = { type: "acme.v1.Quota", value: Uint8Array.of(8, 1) };

describe("a failure on the wire", () => {
  it("keeps reason, fault, facts, details and metadata", () => {
    const failure: CallFailure = {
      ...createFailure("NO_PROVIDER", "No plugin offers kv.v1.KvService.", {
        facts: { service: "kv.v1.KvService" },
      }),
      details: [detail],
      metadata: [["retry-after", "3"]],
    };
    expect(send(failure)).toEqual(failure);
  });

  it("never says that a call was not delivered", () => {
    const failure = createFailure("CONNECTION_LOST", "gone", { notDelivered: true });
    expect(send(failure)).toEqual({ ...failure, notDelivered: false });
  });

  it("has the code unknown where it names none that exists", () => {
    expect(send({ ...createFailure("CANCELLED", "x"), code: 99 })?.code).toBe(2);
    expect(send({ ...createFailure("CANCELLED", "x"), code: 0 })?.code).toBe(2);
  });

  it("that is large goes whole as long as a frame can hold it", () => {
    const failure = { ...createFailure("HANDLER_FAILED", "é".repeat(20_000)), details: [detail] };
    expect(send(failure)).toEqual(failure);
  });

  it("that is larger keeps code, reason, fault and the beginning of its message", () => {
    const failure: CallFailure = {
      ...createFailure("HANDLER_FAILED", "m".repeat(70_000), { fault: "application", facts: { a: "b" } }),
      details: [{ type: "acme.v1.Large", value: new Uint8Array(70_000) }],
      metadata: [["x", "y"]],
    };
    expect(send(failure)).toEqual({
      code: failure.code,
      message: `${"m".repeat(2_048)}… (Facts, details and metadata of this failure were too large to be sent.)`,
      info: { reason: "HANDLER_FAILED", fault: "application", facts: {} },
      details: [],
      metadata: [],
      notDelivered: false,
    });
  });

  it("loses metadata that is larger than the reader allows, and nothing else", () => {
    const failure: CallFailure = {
      ...createFailure("CANCELLED", "x"),
      metadata: [["x", "y".repeat(17_000)]],
    };
    expect(send(failure)).toEqual({ ...failure, metadata: [] });
  });
});
