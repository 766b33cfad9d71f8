import { type CallFailure, createFailure } from "./failure.js";
import type { Boot } from "./plugin-entry.js";
import { printableBytes } from "./printable.js";
import { decodeUtf8, encodeUtf8 } from "./utf8.js";

// What goes over the pipe of a launched plugin before the lane does: one frame to the plugin (what to load and what to
// tell it) and one back (how that went). A frame is "CPB1", the length of the rest as 32 bits big endian, and JSON.

const MAGIC = Uint8Array.of(0x43, 0x50, 0x42, 0x31);
const HEADER_SIZE = 8;

/** The largest JSON of a boot frame, in bytes. A plugin's config is the only part of it that can be large. */
export const BOOT_FRAME_LIMIT = 4 * 1024 * 1024;

/** To the bootstrap of a plugin. */
export interface BootFrame {
  /** The plugin file, as a `file:` URL. */
  readonly entry: string;
  readonly boot: Boot;
}

/** What a {@link BootFrameReader} has after a chunk. */
export type BootRead =
  | { readonly state: "more" }
  /** `rest` is what follows the frame, a part of the chunk that was read: valid as long as that is. */
  | { readonly state: "frame"; readonly value: unknown; readonly rest: Uint8Array }
  | { readonly state: "broken"; readonly failure: CallFailure };

export interface BootFrameReader {
  /**
   * Takes the next bytes; they are copied as far as they are kept. After a frame or a failure there is nothing more to
   * read and a call throws.
   */
  read(chunk: Uint8Array): BootRead;
  /** The bytes have ended: what is wrong if that was in the middle of a frame, undefined if before it or after. */
  end(): CallFailure | undefined;
}

/**
 * Encodes a frame.
 *
 * @throws TypeError if the value is not JSON data
 * @throws RangeError if it is larger than {@link BOOT_FRAME_LIMIT}
 */
export function encodeBootFrame(value: unknown): Uint8Array {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) throw new TypeError("a boot frame must hold JSON data, but the value has no JSON");
  const json = encodeUtf8(text);
  if (json.byteLength > BOOT_FRAME_LIMIT) {
    throw new RangeError(
      `a boot frame must hold at most ${BOOT_FRAME_LIMIT} bytes of JSON, but the value has ${json.byteLength}; put large data into a file and its path into the config`,
    );
  }
  const frame = new Uint8Array(HEADER_SIZE + json.byteLength);
  frame.set(MAGIC);
  new DataView(frame.buffer).setUint32(MAGIC.byteLength, json.byteLength);
  frame.set(json, HEADER_SIZE);
  return frame;
}

/** Reads one frame out of bytes that come in pieces of any size. */
export function createBootFrameReader(): BootFrameReader {
  const header = new Uint8Array(HEADER_SIZE);
  let headerSize = 0;
  let body: Uint8Array | undefined;
  let bodySize = 0;
  let done = false;

  function broken(problem: string, chunk: Uint8Array, used: number): BootRead {
    done = true;
    const start = new Uint8Array(headerSize + chunk.byteLength - used);
    start.set(header.subarray(0, headerSize));
    start.set(chunk.subarray(used), headerSize);
    return { state: "broken", failure: notAFrame(problem, start) };
  }

  function finish(json: Uint8Array, rest: Uint8Array): BootRead {
    done = true;
    try {
      return { state: "frame", value: JSON.parse(decodeUtf8(json)), rest };
    } catch (error) {
      const why = error instanceof SyntaxError ? "its content is not JSON" : "its content is not UTF-8";
      return { state: "broken", failure: notAFrame(why, json) };
    }
  }

  return {
    read(chunk) {
      if (done) throw new Error("a boot frame reader reads one frame: what follows it is the lane's");
      let at = 0;
      while (headerSize < HEADER_SIZE) {
        const byte = chunk[at];
        if (byte === undefined) return { state: "more" };
        if (headerSize < MAGIC.byteLength && byte !== MAGIC[headerSize]) {
          return broken("it does not begin with CPB1", chunk, at);
        }
        header[headerSize] = byte;
        headerSize += 1;
        at += 1;
      }
      if (body === undefined) {
        const size = new DataView(header.buffer).getUint32(MAGIC.byteLength);
        if (size > BOOT_FRAME_LIMIT) {
          return broken(`it says that it is ${size} bytes long, more than ${BOOT_FRAME_LIMIT}`, chunk, at);
        }
        body = new Uint8Array(size);
      }
      const taken = chunk.subarray(at, at + body.byteLength - bodySize);
      body.set(taken, bodySize);
      bodySize += taken.byteLength;
      if (bodySize < body.byteLength) return { state: "more" };
      return finish(body, chunk.subarray(at + taken.byteLength));
    },

    end() {
      if (done || headerSize === 0) return undefined;
      done = true;
      const found = `${headerSize + bodySize} of ${HEADER_SIZE + (body?.byteLength ?? 0)}${body === undefined ? " or more" : ""} bytes`;
      return createFailure(
        "LANE_PROTOCOL",
        `the pipe ended within a boot frame, after ${found}; the peer died while it wrote`,
      );
    },
  };
}

function notAFrame(problem: string, start: Uint8Array): CallFailure {
  const found = printableBytes(start, 64);
  return createFailure(
    "LANE_PROTOCOL",
    `wanted a boot frame, found "${found}": ${problem}; something in the peer writes to the pipe, which belongs to connect-plugin alone`,
    { facts: { found } },
  );
}
