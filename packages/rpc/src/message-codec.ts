import {
  clone,
  create,
  type DescMessage,
  fromBinary,
  fromJsonString,
  type Message,
  type MessageInitShape,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import type { Codec } from "@connect-plugin/protocol";

/**
 * Everything that the ends of a call do with messages, behind one small interface: it is most of what a small call
 * costs, so that it can be exchanged for something faster without touching anything else.
 */
export interface MessageCodec {
  /** A message from what a caller or handler wrote. What is a message already may be returned as it is. */
  create(desc: DescMessage, init: unknown): Message;
  /** A deep copy: no object and no bytes are shared with the original. */
  clone(desc: DescMessage, message: Message): Message;
  encode(desc: DescMessage, message: Message, codec: Codec): Uint8Array;
  /**
   * What it returns does not point into `bytes`, which may be reused afterwards. With `owned`, the bytes are given
   * away for good and may be pointed into.
   */
  decode(desc: DescMessage, bytes: Uint8Array, codec: Codec, owned?: boolean): Message;
}

const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder("utf-8", { fatal: true });

/** protobuf-es, as it is. */
export const protobufCodec: MessageCodec = {
  create: (desc, init) => create(desc, init as MessageInitShape<DescMessage>),
  clone: (desc, message) => separate(clone(desc, message)),
  encode(desc, message, codec) {
    return codec === "proto" ? toBinary(desc, message) : utf8Encoder.encode(toJsonString(desc, message));
  },
  decode(desc, bytes, codec, owned = false) {
    if (codec === "json") return fromJsonString(desc, utf8Decoder.decode(bytes));
    // protobuf-es lets bytes fields and unknown fields point into what it reads. Not `slice`: that of Node's Buffer
    // does not copy.
    return fromBinary(desc, owned ? bytes : new Uint8Array(bytes));
  },
};

/** protobuf-es shares unknown fields with the original, and the bytes of Node's Buffer, whose slices are no copies. */
function separate<T extends object>(copy: T): T {
  for (const [key, value] of Object.entries(copy) as [keyof T, unknown][]) {
    if (value instanceof Uint8Array) {
      if (key === "data" || value.constructor !== Uint8Array) copy[key] = new Uint8Array(value) as T[keyof T];
    } else if (key === "$unknown") {
      const fields = value as NonNullable<Message["$unknown"]>;
      copy[key] = fields.map((field) => separate({ ...field })) as T[keyof T];
    } else if (typeof value === "object" && value !== null) {
      separate(value);
    }
  }
  return copy;
}
