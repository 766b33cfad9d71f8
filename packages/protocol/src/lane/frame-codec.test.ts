import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { session } from "./fixtures/frame-arbitrary.js";
import { EventReader, EventWriter, type FrameEvent } from "./fixtures/frame-event.js";
import { LaneProtocolError } from "./lane-rule.js";

describe("encoding and decoding frames", () => {
  it("gives back what was written, in order, whatever shares a frame", () => {
    fc.assert(
      fc.property(session, fc.infiniteStream(fc.boolean()), (events, seals) => {
        const writer = new EventWriter();
        for (const event of events) {
          writer.write(event);
          if (seals.next().value) writer.seal();
        }
        expect(new EventReader("host").read(writer.take())).toEqual(events);
      }),
    );
  });

  it("answers bytes that were changed or cut with a protocol failure or other frames, never otherwise", () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(session, damage, fc.nat(), (events, changes, cut) => {
        const frames = writeFrames(events);
        const all = frames.flatMap((frame) => [...frame]);
        const bytes = Uint8Array.from(all.slice(0, all.length - (cut % 3 === 0 ? cut % all.length : 0)));
        for (const [at, value] of changes) {
          if (bytes.length > 0) bytes[at % bytes.length] = value;
        }
        expectOnlyProtocolErrors(() => readByHeader(bytes));
      }),
      { numRuns: 500 },
    );
  });

  it("notices every payload that is cut short", () => {
    fc.assert(
      fc.property(session, fc.nat(), fc.nat(), (events, pick, cut) => {
        const frames = writeFrames(events);
        const index = pick % frames.length;
        const frame = frames[index] ?? new Uint8Array(0);
        const kind = (frame[index === 0 ? 11 : 3] ?? 0) & 0x0f;
        const header = index === 0 ? 16 : 8;
        const length = frame.length - header;
        // A shorter DATA is a DATA, shorter SETTINGS are fewer.
        fc.pre(length > 0 && kind !== 2 && kind !== 0 && !(kind === 1 && ((frame[3] ?? 0) & 0x80) !== 0));
        const kept = cut % length;
        fc.pre(!(kind === 3 && kept === 0));
        const short = frame.slice(0, header + kept);
        short[1] = kept >>> 8;
        short[2] = kept;
        const reader = new EventReader("host");
        for (const before of frames.slice(0, index)) reader.read(before);
        expect(() => reader.read(short)).toThrow(LaneProtocolError);
      }),
    );
  });
});

function writeFrames(events: readonly FrameEvent[]): Uint8Array[] {
  const writer = new EventWriter();
  return events.map((event) => {
    writer.write(event);
    return writer.take();
  });
}

function readByHeader(bytes: Uint8Array): void {
  try {
    new EventReader("host").read(bytes);
  } catch (error) {
    const isCut = error instanceof Error && /^(no preface|half a header|half a frame)$/.test(error.message);
    if (!isCut) throw error;
  }
}

function expectOnlyProtocolErrors(run: () => void): void {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(LaneProtocolError);
  }
}
