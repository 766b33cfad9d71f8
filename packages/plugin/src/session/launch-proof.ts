import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";

/** Ties the derived key to its use; hosts derive theirs in the same way. */
const KEY_LABEL = "connectplugin.v1 launch secret";

/** Proves, both ways, that host and plugin hold the same launch secret, without the secret ever being sent. */
export interface LaunchProof {
  /** HMAC-SHA-256 over a transcript. */
  mac(transcript: Uint8Array): Uint8Array;
  /** Whether a MAC over a transcript was made with the same secret. */
  verifies(transcript: Uint8Array, mac: Uint8Array): boolean;
}

export function createLaunchProof(secret: string): LaunchProof {
  // The secret is random enough to need no salt.
  const key = new Uint8Array(hkdfSync("sha256", secret, "", KEY_LABEL, 32));
  const mac = (transcript: Uint8Array) =>
    new Uint8Array(createHmac("sha256", key).update(transcript).digest());
  return {
    mac,
    verifies(transcript, found) {
      const wanted = mac(transcript);
      return found.byteLength === wanted.byteLength && timingSafeEqual(found, wanted);
    },
  };
}
