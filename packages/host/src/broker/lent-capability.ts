import { type CallFailure, isAtLeast, isVersion, type MethodKind, satisfies } from "@connect-plugin/protocol";
import type { Capability } from "./capability.js";
import { noSuchMethod, otherVersion } from "./grant-failures.js";

/** A capability, ready to be asked for. */
export interface LentCapability {
  /** Fully qualified Protobuf name. */
  readonly service: string;
  readonly capability: Capability;
  readonly methods: ReadonlyMap<string, MethodKind>;
}

/** @throws TypeError if a capability stands under another name than its own, or its version is none */
export function lendAll(
  capabilities: Readonly<Record<string, Capability>>,
): ReadonlyMap<string, LentCapability> {
  const lent = new Map<string, LentCapability>();
  for (const [service, capability] of Object.entries(capabilities)) {
    const { desc, version } = capability;
    if (desc.typeName !== service) {
      throw new TypeError(
        `capabilities["${service}"]: wanted the service of this name, got ${desc.typeName}`,
      );
    }
    if (!isVersion(version)) {
      throw new TypeError(`capabilities["${service}"].version: wanted a semantic version, got "${version}"`);
    }
    const methods = new Map(desc.methods.map(({ name, methodKind }) => [name, methodKind]));
    lent.set(service, { service, capability, methods });
  }
  return lent;
}

export function checkVersion(
  { service, capability: { version } }: LentCapability,
  wanted: { readonly range?: string; readonly minVersion?: string },
): CallFailure | undefined {
  const { range, minVersion } = wanted;
  if (range !== undefined)
    return satisfies(version, range) ? undefined : otherVersion(service, range, version);
  if (minVersion === undefined || isAtLeast(version, minVersion)) return undefined;
  return otherVersion(service, `>=${minVersion}`, version);
}

export function checkMethods(
  { service, methods }: LentCapability,
  asked: readonly string[],
): CallFailure | undefined {
  const missing = asked.find((name) => !methods.has(name));
  return missing === undefined ? undefined : noSuchMethod(service, missing, [...methods.keys()]);
}
