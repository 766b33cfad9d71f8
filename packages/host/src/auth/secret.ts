import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { inspect } from "node:util";

// Everything that compares secrets is in this file, so that it can be seen at once that none is compared in a way that
// takes longer the more of it is right.

/** Every secret of ours has 256 bits. */
const SECRET_BYTES = 32;

/**
 * Something that proves an identity. Holds what it takes to recognize it, not the thing itself, and shows nothing of it
 * when it is printed, logged or serialized.
 */
export class Secret {
  readonly #recognized: Uint8Array;

  private constructor(recognized: Uint8Array) {
    this.#recognized = recognized;
  }

  /** Keeps a digest: for secrets that are shown to us as they are. They have to be as long and random as ours. */
  static digestOf(secret: string): Secret {
    return new Secret(digest(secret));
  }

  /** Takes a digest that was kept elsewhere, as {@link digestText} gives it; undefined if it is none. */
  static ofDigestText(text: string): Secret | undefined {
    const digest = Buffer.from(text, "base64url");
    return digest.byteLength === SECRET_BYTES ? new Secret(digest) : undefined;
  }

  /** Keeps a key: for secrets that are proven by a MAC and never shown. */
  static key(key: Uint8Array): Secret {
    if (key.byteLength < SECRET_BYTES) {
      throw new RangeError(`key: wanted ${SECRET_BYTES} bytes or more, got ${key.byteLength}`);
    }
    return new Secret(Uint8Array.from(key));
  }

  /** Whether this is the secret of which a digest was kept. */
  matches(shown: string): boolean {
    return timingSafeEqual(this.#recognized, digest(shown));
  }

  /** HMAC-SHA-256 with the kept key. */
  mac(message: Uint8Array): Uint8Array {
    return new Uint8Array(createHmac("sha256", this.#recognized).update(message).digest());
  }

  /** Whether a MAC over the message was made with the kept key. */
  verifies(message: Uint8Array, mac: Uint8Array): boolean {
    const wanted = this.mac(message);
    return mac.byteLength === wanted.byteLength && timingSafeEqual(wanted, mac);
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }

  [inspect.custom](): string {
    return "[secret]";
  }
}

/** Random bytes, as `node:crypto` gives them. A generator that fails throws: there is no weaker one to turn to. */
export type RandomBytes = (size: number) => Uint8Array;

/** A new secret as text: 43 characters of base64url. */
export function newSecret(random: RandomBytes = randomBytes): string {
  return Buffer.from(fresh(random, SECRET_BYTES)).toString("base64url");
}

/** A name for a secret, not a secret itself: 22 characters of base64url. */
export function newCredentialId(random: RandomBytes = randomBytes): string {
  return Buffer.from(fresh(random, 16)).toString("base64url");
}

/** What may be kept of a secret outside of this process: 43 characters of base64url. */
export function digestText(secret: string): string {
  return Buffer.from(digest(secret)).toString("base64url");
}

function fresh(random: RandomBytes, size: number): Uint8Array {
  const bytes = random(size);
  if (bytes.byteLength !== size) {
    throw new RangeError(`the random generator gave ${bytes.byteLength} bytes where ${size} were wanted`);
  }
  return bytes;
}

function digest(secret: string): Uint8Array {
  return createHash("sha256").update(secret, "utf8").digest();
}
