import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { LAUNCH_KEY_LABEL } from "@connect-plugin/protocol";

/** Proves, both ways, that host and plugin hold the same launch secret, without the secret ever being sent. */
export interface LaunchProof {
  /** HMAC-SHA-256 over a transcript. */
  mac(transcript: Uint8Array): Uint8Array;
  /** Whether a MAC over a transcript was made with the same secret. */
  verifies(transcript: Uint8Array, mac: Uint8Array): boolean;
}

export function createLaunchProof(secret: string): LaunchProof {
  // The secret is random enough to need no salt.
  const key = new Uint8Array(hkdfSync("sha256", secret, "", LAUNCH_KEY_LABEL, 32));
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
