// The frame: an 8-byte header (length of the payload in 24 bits, flags and type in 8, id of the call in 32; big-endian)
// and its payload. docs/reference/lane.md has the whole.

/** What each side says first: seven bytes that no text begins with, and the version. */
export const PREFACE: readonly number[] = [0xf0, 0x63, 0x70, 0x6c, 0x61, 0x6e, 0x65, 0x01];

/** The version of the lane: the last byte of the preface. */
export const LANE_VERSION = 1;

export const HEADER_SIZE = 8;

/** The low four bits of the fourth byte. Frames of other types are ignored. */
export const FrameType = {
  SETTINGS: 0,
  HEAD: 1,
  DATA: 2,
  END: 3,
  RESET: 4,
  CREDIT: 5,
  PING: 6,
  GOAWAY: 7,
} as const;

export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** The high four bits of the fourth byte. What a type does not know is ignored. */
export const FrameFlag = {
  /** HEAD, DATA: the message goes on in the next DATA. */
  MORE: 0x10,
  /** HEAD, DATA: the whole message is compressed. */
  GZIP: 0x20,
  /** HEAD, DATA: nothing follows in this direction; in a response, the call ended well and without a trailer. */
  END: 0x40,
  /** HEAD: a message, or its first piece, follows the block. */
  BODY: 0x80,
  /** END: the call failed. */
  FAILED: 0x10,
  /** PING: an answer. */
  ACK: 0x10,
  /** GOAWAY: calls in flight end as well, and so does the connection. */
  CLOSE: 0x10,
} as const;

/** Bytes of a message that a DATA frame, or a HEAD beside its block, holds at most. */
export const MAX_PIECE = 65_536;

/** Payload of any frame but DATA, and block of a HEAD with its length, at most. */
export const MAX_BLOCK = 65_536;

/** Payload of the longest frame: a HEAD with a body. */
export const MAX_PAYLOAD = MAX_BLOCK + MAX_PIECE;

/** Ids of calls are below. */
export const ID_LIMIT = 0x8000_0000;

/** Which end of the lane: the host opens calls with even ids, the plugin with odd ones. */
export type LaneSide = "host" | "plugin";

export function otherSide(side: LaneSide): LaneSide {
  return side === "host" ? "plugin" : "host";
}

/** Whose call an id stands for. */
export function openerOf(id: number): LaneSide {
  return (id & 1) === 0 ? "host" : "plugin";
}

export function frameTypeName(type: number): string {
  return Object.keys(FrameType)[type] ?? `type ${type}`;
}
