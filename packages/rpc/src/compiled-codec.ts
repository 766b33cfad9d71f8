import type { DescMessage, Message } from "@bufbuild/protobuf";
import type { Fields } from "./codec/message-ops.js";
import { messageType } from "./codec/message-type.js";
import { WireReader } from "./codec/wire-reader.js";
import { WireWriter } from "./codec/wire-writer.js";
import { type MessageCodec, protobufCodec } from "./message-codec.js";

/**
 * Does what protobuf-es does, prepared once per type, and gives the same messages and the same bytes. What is unusual (a
 * value of another type than the schema says, bytes that no encoder writes, JSON) goes to `otherwise`, which is right
 * about it by definition.
 */
export function createCompiledCodec(otherwise: MessageCodec = protobufCodec): MessageCodec {
  // Taken while in use: a getter of a message might lead here again.
  let writer: WireWriter | undefined = new WireWriter();
  let reader: WireReader | undefined = new WireReader();

  function encode(desc: DescMessage, message: Message): Uint8Array | undefined {
    const used = writer ?? new WireWriter();
    writer = undefined;
    used.begin();
    try {
      messageType(desc).write(used, message);
      return used.finish();
    } catch {
      used.discard();
      return undefined;
    } finally {
      writer = used;
    }
  }

  function decode(desc: DescMessage, bytes: Uint8Array, owned: boolean): Message | undefined {
    const used = reader ?? new WireReader();
    reader = undefined;
    used.begin(bytes, owned);
    try {
      const type = messageType(desc);
      const message = type.zero();
      type.read(used, message, bytes.byteLength, 1);
      return message as unknown as Message;
    } catch {
      return undefined;
    } finally {
      used.finish();
      reader = used;
    }
  }

  return {
    create(desc, init) {
      if (typeof init !== "object" || init === null) return otherwise.create(desc, init);
      if ("$typeName" in init) return otherwise.create(desc, init);
      try {
        return messageType(desc).create(init as Fields) as unknown as Message;
      } catch {
        return otherwise.create(desc, init);
      }
    },
    clone(desc, message) {
      try {
        return messageType(desc).clone(message) as unknown as Message;
      } catch {
        return otherwise.clone(desc, message);
      }
    },
    encode(desc, message, codec) {
      const encoded = codec === "proto" ? encode(desc, message) : undefined;
      return encoded ?? otherwise.encode(desc, message, codec);
    },
    decode(desc, bytes, codec, owned = false) {
      const decoded = codec === "proto" ? decode(desc, bytes, owned) : undefined;
      return decoded ?? otherwise.decode(desc, bytes, codec, owned);
    },
  };
}

export const compiledCodec: MessageCodec = createCompiledCodec();
