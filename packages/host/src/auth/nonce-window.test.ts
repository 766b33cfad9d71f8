import { describe, expect, test } from "vitest";
import { createNonceWindow } from "./nonce-window.js";

function nonce(byte: number, size = 16): Uint8Array {
  return new Uint8Array(size).fill(byte);
}

describe("createNonceWindow", () => {
  test("f-3-3: takes a nonce once", () => {
    const nonces = createNonceWindow();
    expect(nonces.take(nonce(1))).toBeUndefined();
    expect(nonces.take(nonce(2))).toBeUndefined();
    expect(nonces.take(nonce(1))).toMatchObject({
      code: 16,
      message:
        "this handshake was made before: each one needs a client_nonce of its own, from a good random generator",
      info: { reason: "HANDSHAKE_REPLAYED" },
    });
  });

  test("takes none that is short enough to guess or long enough to hurt", () => {
    const nonces = createNonceWindow();
    for (const size of [0, 15, 65]) {
      expect(nonces.take(nonce(1, size))).toMatchObject({
        code: 3,
        message: `client_nonce must have 16 to 64 random bytes, but has ${size}`,
        info: { reason: "HANDSHAKE_INVALID" },
      });
    }
    expect(nonces.take(nonce(1, 64))).toBeUndefined();
  });

  test("forgets after its window, and not before", () => {
    const clock = { now: 0 };
    const nonces = createNonceWindow({ windowMs: 1_000, now: () => clock.now });
    nonces.take(nonce(1));
    clock.now = 999;
    expect(nonces.take(nonce(1))?.info?.reason).toBe("HANDSHAKE_REPLAYED");
    clock.now = 1_000;
    expect(nonces.take(nonce(1))).toBeUndefined();
    expect(nonces.size).toBe(1);
  });

  test("refuses new ones rather than forget old ones", () => {
    const clock = { now: 0 };
    const nonces = createNonceWindow({ windowMs: 1_000, limit: 2, now: () => clock.now });
    nonces.take(nonce(1));
    nonces.take(nonce(2));
    expect(nonces.take(nonce(3))).toMatchObject({
      code: 8,
      message: "more than 2 handshakes within 1 s; try again later",
      info: { reason: "TOO_MANY_CALLS" },
    });
    expect(nonces.take(nonce(1))?.info?.reason).toBe("HANDSHAKE_REPLAYED");
    clock.now = 1_000;
    expect(nonces.take(nonce(3))).toBeUndefined();
  });
});
