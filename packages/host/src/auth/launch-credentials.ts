import { hkdfSync } from "node:crypto";
import {
  type CallFailure,
  createFailure,
  LAUNCH_KEY_LABEL,
  type LaunchCredential,
} from "@connect-plugin/protocol";
import { newCredentialId, newSecret, type RandomBytes, Secret } from "./secret.js";

/**
 * Launch secrets: what a host gives a plugin with the first frame, so that it can prove that it is the one that was
 * launched. The host keeps a key derived from the secret, and the secret never travels back.
 */
export interface LaunchCredentials {
  issue(launch: Launch): LaunchCredential;
  /**
   * Checks a MAC over a transcript.
   *
   * A secret is good for one launch and for one presenter, which is whatever the handshake came over: who shows it
   * first and rightly has it. The same presenter may shake hands again; anybody else has copied it.
   */
  verify(id: string, mac: Uint8Array, transcript: Uint8Array, presenter: object): VerifiedLaunch;
  /** The launch has ended, and with it its credential. Idempotent. */
  end(instanceId: string): void;
  /** Credentials of launches that have not ended. */
  readonly size: number;
}

export interface Launch {
  /** The plugin name from the spec. */
  readonly plugin: string;
  readonly instanceId: string;
}

export type VerifiedLaunch =
  | {
      readonly kind: "verified";
      readonly plugin: string;
      readonly instanceId: string;
      /** The host's own proof that it knows the secret: a MAC over its transcript. */
      prove(transcript: Uint8Array): Uint8Array;
    }
  | { readonly kind: "failure"; readonly failure: CallFailure };

export interface LaunchCredentialsOptions {
  readonly random?: RandomBytes;
}

interface KeptCredential extends Launch {
  readonly id: string;
  readonly secret: Secret;
  presenter: object | undefined;
}

export function createLaunchCredentials(options: LaunchCredentialsOptions = {}): LaunchCredentials {
  const byId = new Map<string, KeptCredential>();
  const byInstance = new Map<string, KeptCredential>();
  /** Compared with where there is no such credential, so that asking takes the same time. */
  const nobody = Secret.key(deriveKey(newSecret(options.random)));

  return {
    issue({ plugin, instanceId }) {
      if (byInstance.has(instanceId)) {
        throw new TypeError(
          `instance ${instanceId} has a launch credential already: each launch is an instance of its own`,
        );
      }
      const id = newCredentialId(options.random);
      const secret = newSecret(options.random);
      const kept = { id, plugin, instanceId, secret: Secret.key(deriveKey(secret)), presenter: undefined };
      byId.set(id, kept);
      byInstance.set(instanceId, kept);
      return { id, secret };
    },
    verify(id, mac, transcript, presenter) {
      const kept = byId.get(id);
      const verified = (kept?.secret ?? nobody).verifies(transcript, mac);
      if (kept === undefined || !verified) {
        return failed(
          "the handshake does not prove the launch secret: a plugin must use the credential of its own boot frame, and a launch that has ended has none",
        );
      }
      kept.presenter ??= presenter;
      if (kept.presenter !== presenter) {
        return failed(
          `the launch secret of plugin "${kept.plugin}" was used already, over another connection: it is good for one`,
          { plugin: kept.plugin, instanceId: kept.instanceId },
        );
      }
      const { plugin, instanceId, secret } = kept;
      return { kind: "verified", plugin, instanceId, prove: (own) => secret.mac(own) };
    },
    end(instanceId) {
      const kept = byInstance.get(instanceId);
      if (kept === undefined) return;
      byInstance.delete(instanceId);
      byId.delete(kept.id);
    },
    get size() {
      return byId.size;
    },
  };
}

/** The key that both sides make of a launch secret. The secret is random enough to need no salt. */
function deriveKey(secret: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, "", LAUNCH_KEY_LABEL, 32));
}

function failed(message: string, facts: Readonly<Record<string, string>> = {}): VerifiedLaunch {
  return {
    kind: "failure",
    failure: createFailure("CREDENTIAL_INVALID", message, { fault: "plugin", facts }),
  };
}
