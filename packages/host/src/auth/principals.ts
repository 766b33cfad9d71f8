import { randomBytes } from "node:crypto";
import { type CallChain, type Caller, createRuntimeId } from "@connect-plugin/protocol";
import type { Principal } from "./principal.js";

/** The only maker of principals. */
export interface Principals {
  /** The host itself, for calls that nobody asked it for. Always the same object. */
  readonly host: Principal;
  /**
   * The identity of one run of a plugin, after it has proven who it is. Asked again for the same run, it is the same
   * object with the same runtime id; two runs never share one.
   */
  plugin(instance: ProvenInstance): Principal;
  /** The identity of an instance, if it has one. */
  find(instanceId: string): Principal | undefined;
  /** Somebody with the operator's rights. */
  operator(name: string): Principal;
  /** An application with a credential of its own. Asked again, it is another identity of the same name. */
  external(name: string, claims: Readonly<Record<string, string>>): Principal;
  /** The instance's identity is no more. Idempotent. */
  end(instanceId: string): void;
}

export interface ProvenInstance {
  /** The plugin name from the spec. */
  readonly plugin: string;
  readonly instanceId: string;
  /** What the credential says besides the name. */
  readonly claims?: Readonly<Record<string, string>>;
}

export interface PrincipalsOptions {
  /** What the host is called. Default: `host`. */
  readonly hostName?: string;
  /** For tests: random bytes, as `node:crypto` gives them. */
  readonly random?: (size: number) => Uint8Array;
}

/** Half of the 128-bit ids that are usual, and far more than can collide among the instances of one host. */
const SUFFIX_BYTES = 8;

export function createPrincipals(options: PrincipalsOptions = {}): Principals {
  const random = options.random ?? randomBytes;
  const byInstance = new Map<string, Principal>();
  const runtimeIds = new Set<string>();

  function newRuntimeId(name: string): string {
    for (;;) {
      const id = createRuntimeId(name, Buffer.from(random(SUFFIX_BYTES)).toString("hex"));
      if (!runtimeIds.has(id)) return id;
    }
  }

  const hostName = options.hostName ?? "host";
  const host = createPrincipal("host", hostName, newRuntimeId(hostName), {});
  runtimeIds.add(host.runtimeId);

  return {
    host,
    plugin({ plugin, instanceId, claims = {} }) {
      const known = byInstance.get(instanceId);
      if (known !== undefined) {
        if (known.name !== plugin) {
          throw new TypeError(`instance ${instanceId} belongs to plugin "${known.name}", not to "${plugin}"`);
        }
        return known;
      }
      const principal = createPrincipal("plugin", plugin, newRuntimeId(plugin), claims);
      byInstance.set(instanceId, principal);
      runtimeIds.add(principal.runtimeId);
      return principal;
    },
    find: (instanceId) => byInstance.get(instanceId),
    operator: (name) => createPrincipal("operator", name, newRuntimeId(name), {}),
    external: (name, claims) => createPrincipal("external", name, newRuntimeId(name), claims),
    end(instanceId) {
      const principal = byInstance.get(instanceId);
      if (principal === undefined) return;
      byInstance.delete(instanceId);
      runtimeIds.delete(principal.runtimeId);
    },
  };
}

function createPrincipal(
  kind: Caller["kind"],
  name: string,
  runtimeId: string,
  claims: Readonly<Record<string, string>>,
): Principal {
  const caller: Caller = Object.freeze({ kind, name, runtimeId, claims: Object.freeze({ ...claims }) });
  const chain: CallChain = Object.freeze({ caller, behind: undefined, depth: 1 });
  // The brand exists for the compiler only: nobody else can write this.
  return Object.freeze({ kind, name, runtimeId, caller, chain }) as Principal;
}
