import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRingMemory, RingReader, RingWriter } from "./ring.js";

function createRing() {
  const memory = createRingMemory();
  const wakes = { reader: 0, writer: 0 };
  const writer = new RingWriter(memory, () => {
    wakes.reader += 1;
  });
  const reader = new RingReader(memory, () => {
    wakes.writer += 1;
  });
  return { writer, reader, wakes };
}

function readAll(reader: RingReader): Buffer {
  const chunks: Buffer[] = [];
  while (reader.read((bytes) => chunks.push(Buffer.from(bytes))));
  return Buffer.concat(chunks);
}

describe("a ring", () => {
  it("gives out what was put in, in order, over its edge and back", () => {
    const { writer, reader } = createRing();
    let sent = 0;
    let got = 0;
    for (let round = 0; round < 40; round++) {
      const bytes = Uint8Array.from({ length: 99_991 }, (_, i) => (sent + i) % 251);
      expect(writer.write(bytes)).toBe(bytes.byteLength);
      sent += bytes.byteLength;
      const read = readAll(reader);
      expect(read.every((byte, i) => byte === (got + i) % 251)).toBe(true);
      got += read.byteLength;
    }
    expect(got).toBe(sent);
  });

  it("takes what it has room for and wakes the writer when there is more", () => {
    const { writer, reader, wakes } = createRing();
    expect(writer.write(new Uint8Array(1_000_000))).toBe(1_000_000);
    expect(writer.write(new Uint8Array(100_000))).toBe(48_576);
    expect(writer.write(new Uint8Array(1))).toBe(0);
    expect(wakes.writer).toBe(0);
    expect(readAll(reader)).toHaveLength(1_048_576);
    expect(wakes.writer).toBe(1);
    expect(writer.write(new Uint8Array(51_424))).toBe(51_424);
  });

  it("wakes a reader that sleeps, once", () => {
    const { writer, reader, wakes } = createRing();
    writer.write(Uint8Array.of(1));
    writer.write(Uint8Array.of(2));
    expect(wakes.reader).toBe(1);
    expect(reader.sleep()).toBe(false);
    expect([...readAll(reader)]).toEqual([1, 2]);
    expect(reader.sleep()).toBe(true);
    writer.write(Uint8Array.of(3));
    expect(wakes.reader).toBe(2);
  });

  it("behaves like a queue of bytes with room for a mebibyte", () => {
    const step = fc.oneof(
      fc.record({ write: fc.integer({ min: 1, max: 700_000 }) }),
      fc.record({ read: fc.integer({ min: 1, max: 4 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { writer, reader } = createRing();
        let written = 0;
        let read = 0;
        for (const one of steps) {
          if ("write" in one) {
            const bytes = Uint8Array.from({ length: one.write }, (_, i) => (written + i) % 253);
            const taken = writer.write(bytes);
            expect(taken).toBe(Math.min(one.write, 1_048_576 - (written - read)));
            written += taken;
          } else {
            for (let i = 0; i < one.read; i++) {
              reader.read((bytes) => {
                expect(bytes[0]).toBe(read % 253);
                read += bytes.byteLength;
                expect(bytes.at(-1)).toBe((read - 1) % 253);
              });
            }
          }
        }
        expect(readAll(reader)).toHaveLength(written - read);
      }),
      { numRuns: 60 },
    );
  });
});
