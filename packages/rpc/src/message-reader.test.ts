import { create, createFileRegistry, type DescMessage, type Message } from "@bufbuild/protobuf";
import {
  EnumValueDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  type StringValue,
  StringValueSchema,
} from "@bufbuild/protobuf/wkt";
import type { BytesPiece } from "@connect-plugin/protocol";
import { expect, test } from "vitest";
import { compiledCodec } from "./compiled-codec.js";
import { failureInfo } from "./connect-failure.js";
import { protobufCodec } from "./message-codec.js";
import { createMessageReader, type MessageParts } from "./message-reader.js";

const options = { codec: compiledCodec, inflate: undefined, maxMessageBytes: 1_000, share: false };
const reader = createMessageReader("request", StringValueSchema, options);

function bytes(values: number[], more: boolean, gzip = false): BytesPiece {
  return { form: "bytes", bytes: new Uint8Array(values), more, gzip };
}

/** The same type, as another version of its generated code has it: with one field more. */
function newerStringValue(): DescMessage {
  const file = create(FileDescriptorProtoSchema, {
    name: "google/protobuf/wrappers.proto",
    package: "google.protobuf",
    syntax: "proto3",
    messageType: [
      {
        name: "StringValue",
        field: [
          { name: "value", number: 1, type: 9, label: 1 },
          { name: "language", number: 2, type: 9, label: 1 },
        ],
      },
    ],
  });
  const desc = createFileRegistry(file, () => undefined).getMessage("google.protobuf.StringValue");
  if (desc === undefined) throw new Error("the schema of the test lacks its message");
  return desc;
}

test.each([
  ['{"nam":"secret"}', "its 16 bytes do not decode as json: its fields are name, number"],
  [
    '{"number":"secret"}',
    "its 19 bytes do not decode as json: the value of the field google.protobuf.EnumValueDescriptorProto.number does not fit",
  ],
  ['{"number":', "its 10 bytes do not decode as json: its fields are name, number"],
])("bad JSON, %s, is told by the names of the schema, never by what it says", (json, why) => {
  const desc = EnumValueDescriptorProtoSchema;
  const piece: BytesPiece = {
    form: "bytes",
    bytes: new TextEncoder().encode(json),
    more: false,
    gzip: false,
  };
  let thrown: unknown;
  try {
    createMessageReader("request", desc, options).whole(piece, "json");
  } catch (error) {
    thrown = error;
  }
  expect(failureInfo(thrown)).toMatchObject({ reason: "MESSAGE_INVALID", fault: "caller" });
  const { message } = thrown as Error;
  expect(message).toContain(`A request ought to be a ${desc.typeName}, but ${why}`);
  expect(message).not.toContain("secret");
});

test("two versions of generated code meet by way of bytes", () => {
  const desc = newerStringValue();
  const message = create(desc, { value: "hi", language: "en" } as never);
  const read = reader.whole({ form: "message", desc, message }, "proto") as StringValue;
  expect(read.value).toBe("hi");
  expect(read.$unknown).toEqual([{ no: 2, wireType: 2, data: new Uint8Array([2, 101, 110]) }]);
});

test("parts become a message, whatever becomes of their bytes", () => {
  const whole = [10, 4, 97, 98, 99, 100];
  let parts: MessageParts | undefined;
  for (const value of whole.slice(0, 5)) {
    const piece = bytes([value], true);
    parts = reader.part(parts, piece);
    piece.bytes.fill(0);
  }
  if (parts === undefined) throw new Error("no parts");
  expect(reader.completed(parts, bytes(whole.slice(5), false), "proto")).toMatchObject({ value: "abcd" });
});

test.each([compiledCodec, protobufCodec])(
  "parts given in Node's Buffers, whose slices are no copies",
  (codec) => {
    const own = createMessageReader("request", StringValueSchema, { ...options, codec });
    const buffer = Buffer.from([10, 2, 97]);
    const parts = own.part(undefined, { form: "bytes", bytes: buffer, more: true, gzip: false });
    buffer.fill(0);
    expect(own.completed(parts, bytes([98], false), "proto")).toMatchObject({ value: "ab" });
  },
);

test("a message cannot begin in the middle of another, or change its encoding", () => {
  const parts = reader.part(undefined, bytes([10], true));
  const message: Message = create(StringValueSchema);
  const refused = [
    () => reader.completed(parts, { form: "message", desc: StringValueSchema, message }, "proto"),
    () => reader.part(parts, bytes([1], true, true)),
  ].map((read) => {
    try {
      read();
    } catch (error) {
      return [failureInfo(error)?.reason, String(error)];
    }
    return "nothing";
  });
  expect(refused).toEqual([
    [
      "MESSAGE_INVALID",
      "ConnectError: [invalid_argument] A request ought to be a google.protobuf.StringValue, but another message begins in the middle of it.",
    ],
    [
      "MESSAGE_INVALID",
      "ConnectError: [invalid_argument] A request ought to be a google.protobuf.StringValue, but only a part of it is compressed.",
    ],
  ]);
});

test("an unencoded message that does not fit its type is refused", () => {
  const message = { ...create(StringValueSchema), value: 7 };
  expect(() => reader.whole({ form: "message", desc: StringValueSchema, message }, "proto")).toThrow(
    "A request ought to be a google.protobuf.StringValue, but its fields do not have the types of its schema.",
  );
});
