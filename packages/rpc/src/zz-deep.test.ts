import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import { StringValueSchema, StructSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compiledCodec, createCompiledCodec } from "./compiled-codec.js";
import { arbitraryInit, arbitraryMessage } from "./fixtures/arbitrary-message.js";
import { oddTypes, plainTypes } from "./fixtures/every-field.js";
import { type MessageCodec, protobufCodec } from "./message-codec.js";

const refuse = () => {
  throw new Error("this ought to go the fast way");
};

/** Fails where it would leave something to protobuf-es. */
const strictCodec = createCompiledCodec({ create: refuse, clone: refuse, encode: refuse, decode: refuse });

const named = [...plainTypes.map((desc) => [desc.typeName, desc, strictCodec] as const)].concat(
  oddTypes.map((desc) => [desc.typeName, desc, compiledCodec] as const),
);

/** Raise it after a change: at 30 it takes some minutes. */
const thoroughness = 20;

const runs = { numRuns: 60 * thoroughness };

/** What a codec makes of something, its refusal included. */
function outcome(make: () => unknown): unknown {
  try {
    return { made: make() };
  } catch (error) {
    return { refused: String(error) };
  }
}

function sharesNothing(a: unknown, b: unknown, path = ""): void {
  if (typeof a !== "object" || a === null || typeof b !== "object" || b === null) return;
  if (a === b) throw new Error(`${path} is shared`);
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    if (a.byteLength > 0 && a.buffer === b.buffer) throw new Error(`the bytes of ${path} are shared`);
    return;
  }
  for (const key of Object.keys(a)) {
    sharesNothing((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key], `${path}.${key}`);
  }
}

describe.each(named)("%s: as protobuf-es does,", (_, desc: DescMessage, codec: MessageCodec) => {
  test("it makes messages", () => {
    fc.assert(
      fc.property(arbitraryInit(desc), (init) => {
        expect(codec.create(desc, init)).toStrictEqual(protobufCodec.create(desc, init));
      }),
      runs,
    );
  });

  test("it encodes", () => {
    fc.assert(
      fc.property(arbitraryMessage(desc), (message) => {
        expect(outcome(() => codec.encode(desc, message, "proto"))).toEqual(
          outcome(() => protobufCodec.encode(desc, message, "proto")),
        );
      }),
      runs,
    );
  });

  test("it decodes what it encodes, and messages in parts", () => {
    fc.assert(
      fc.property(arbitraryMessage(desc), arbitraryMessage(desc), (first, second) => {
        const whole = outcome(() => protobufCodec.encode(desc, first, "proto"));
        if (!isMade(whole)) return;
        expect(codec.decode(desc, whole.made, "proto")).toStrictEqual(
          protobufCodec.decode(desc, whole.made, "proto"),
        );
        const rest = outcome(() => protobufCodec.encode(desc, second, "proto"));
        if (!isMade(rest)) return;
        const merged = new Uint8Array([...whole.made, ...rest.made]);
        expect(codec.decode(desc, merged, "proto")).toStrictEqual(
          protobufCodec.decode(desc, merged, "proto"),
        );
      }),
      runs,
    );
  });

  test("it clones, and shares nothing", () => {
    fc.assert(
      fc.property(arbitraryMessage(desc), (message) => {
        const copy = codec.clone(desc, message);
        expect(copy).toStrictEqual(protobufCodec.clone(desc, message));
        sharesNothing(copy, message);
      }),
      runs,
    );
  });

  test("it takes or refuses broken bytes", () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 3 });
    fc.assert(
      fc.property(arbitraryMessage(desc), damage, fc.nat({ max: 3 }), (message, changes, cut) => {
        const encoded = outcome(() => protobufCodec.encode(desc, message, "proto"));
        if (!isMade(encoded)) return;
        const bytes = encoded.made.slice(0, Math.max(0, encoded.made.length - cut));
        for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
        expect(outcome(() => compiledCodec.decode(desc, bytes, "proto"))).toStrictEqual(
          outcome(() => protobufCodec.decode(desc, bytes, "proto")),
        );
      }),
      { numRuns: 150 * thoroughness },
    );
  });

  test("it takes or refuses any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        expect(outcome(() => compiledCodec.decode(desc, bytes, "proto"))).toStrictEqual(
          outcome(() => protobufCodec.decode(desc, bytes, "proto")),
        );
      }),
      { numRuns: 150 * thoroughness },
    );
  });

  test("it takes or refuses values of other types", () => {
    const junk = fc.oneof(
      fc.constantFrom<unknown>(
        undefined,
        null,
        "",
        "7",
        "x",
        "\ud800",
        -0,
        0.5,
        2 ** 31,
        2 ** 32,
        -1,
        1e39,
        Number.NaN,
        0n,
        5n,
        -1n,
        2n ** 64n,
        true,
        [],
        [1],
        {},
        { a: 1 },
        { case: "x" },
        { __proto__: null },
      ),
      fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
    );
    fc.assert(
      fc.property(
        arbitraryMessage(desc),
        fc.array(fc.tuple(fc.nat(), junk), { minLength: 1, maxLength: 2 }),
        (message, changes) => {
          const spoiled = message as Message & Record<string, unknown>;
          for (const [i, value] of changes) {
            const member = desc.members[i % Math.max(1, desc.members.length)];
            if (member !== undefined) spoiled[member.localName] = value;
          }
          expect(outcome(() => compiledCodec.encode(desc, spoiled, "proto"))).toEqual(
            outcome(() => protobufCodec.encode(desc, spoiled, "proto")),
          );
          const { $typeName: __, ...init } = spoiled;
          expect(outcome(() => compiledCodec.create(desc, init))).toStrictEqual(
            outcome(() => protobufCodec.create(desc, init)),
          );
          expect(outcome(() => compiledCodec.clone(desc, spoiled))).toStrictEqual(
            outcome(() => protobufCodec.clone(desc, spoiled)),
          );
        },
      ),
      { numRuns: 150 * thoroughness },
    );
  });
});

function isMade(value: unknown): value is { made: Uint8Array } {
  return typeof value === "object" && value !== null && "made" in value;
}

describe("bytes", () => {
  const [root] = plainTypes;

  test("that were given away are not written to again", () => {
    const kept: [Uint8Array, Uint8Array][] = [];
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9_000 }), (length) => {
        const message = create(StringValueSchema, { value: "x".repeat(length) });
        const encoded = compiledCodec.encode(StringValueSchema, message, "proto");
        kept.push([encoded, encoded.slice()]);
      }),
      { numRuns: 100 },
    );
    for (const [encoded, copy] of kept) expect(encoded).toEqual(copy);
  });

  test.each([100, 5_000, 70_000, 3_000_000])("of a message of %d", (length) => {
    const message = create(StringValueSchema, { value: "é".repeat(length / 2) });
    const encoded = compiledCodec.encode(StringValueSchema, message, "proto");
    // Not toEqual, which takes its time for so many.
    expect(Buffer.compare(encoded, protobufCodec.encode(StringValueSchema, message, "proto"))).toBe(0);
    expect(compiledCodec.decode(StringValueSchema, encoded, "proto")).toEqual(message);
  });

  test("of messages in messages, where lengths grow", () => {
    if (root === undefined) throw new Error("no type");
    let message = create(root, { stringOne: "x" });
    for (let i = 0; i < 90; i += 1) {
      message = create(root, {
        self: message,
        selves: [message].slice(0, i % 30 === 0 ? 1 : 0),
        int32One: i,
      });
    }
    const encoded = strictCodec.encode(root, message, "proto");
    expect(encoded).toEqual(protobufCodec.encode(root, message, "proto"));
    expect(strictCodec.decode(root, encoded, "proto")).toEqual(message);
  });

  test("nested too deep are refused", () => {
    if (root === undefined) throw new Error("no type");
    let message = create(root);
    for (let i = 0; i < 100; i += 1) message = create(root, { self: message });
    const encoded = compiledCodec.encode(root, message, "proto");
    expect(() => compiledCodec.decode(root, encoded, "proto")).toThrow(
      "maximum recursion depth of 100 reached",
    );
  });

  test.each([false, true])("are pointed into only if they were given away (%s)", (owned) => {
    if (root === undefined) throw new Error("no type");
    for (const codec of [strictCodec, protobufCodec]) {
      const message = create(root, { bytesOne: new Uint8Array([1, 2, 3]), stringOne: "x" });
      message.$unknown = [{ no: 5_000, wireType: 2, data: new Uint8Array([2, 7, 8]) }];
      // Node's Buffer: its slices are no copies.
      const bytes = Buffer.from(protobufCodec.encode(root, message, "proto"));
      const decoded = codec.decode(root, bytes, "proto", owned) as Message & { bytesOne: Uint8Array };
      bytes.fill(0xee);
      expect([...decoded.bytesOne]).toEqual(owned ? [0xee, 0xee, 0xee] : [1, 2, 3]);
      expect([...(decoded.$unknown?.[0]?.data ?? [])]).toEqual(owned ? [0xee, 0xee, 0xee] : [2, 7, 8]);
    }
  });
});

describe("what is left to protobuf-es", () => {
  test("JSON", () => {
    const message = create(TimestampSchema, { seconds: 1n });
    const json = compiledCodec.encode(TimestampSchema, message, "json");
    expect(new TextDecoder().decode(json)).toBe('"1970-01-01T00:00:01Z"');
    expect(compiledCodec.decode(TimestampSchema, json, "json")).toEqual(message);
  });

  test("messages of another type", () => {
    const message = create(TimestampSchema);
    expect(() => compiledCodec.encode(StringValueSchema, message, "proto")).toThrow(
      "cannot use field google.protobuf.StringValue.value with message google.protobuf.Timestamp",
    );
  });

  test("a message that is one already is kept", () => {
    const message = create(TimestampSchema);
    expect(compiledCodec.create(TimestampSchema, message)).toBe(message);
  });
});

test("well-known types are as any others", () => {
  const value = { kind: { case: "stringValue", value: "x" } };
  const message = create(StructSchema, { fields: { a: value } } as never);
  const encoded = strictCodec.encode(StructSchema, message, "proto");
  expect(encoded).toEqual(protobufCodec.encode(StructSchema, message, "proto"));
  expect(strictCodec.decode(StructSchema, encoded, "proto")).toEqual(message);
});
