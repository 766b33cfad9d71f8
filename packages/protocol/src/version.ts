import compare from "semver/functions/compare.js";
import satisfiesRange from "semver/functions/satisfies.js";
import valid from "semver/functions/valid.js";
import validRange from "semver/ranges/valid.js";
import { type CallFailure, createFailure } from "./failure.js";

/** The longest version and the longest range, in characters. */
export const VERSION_LIMITS = { version: 64, range: 128 } as const;

/**
 * Versions of the handshake and of what follows it that this package speaks. Connect-plugin for Go speaks 1 and says
 * so by that number alone.
 */
export const CORE_VERSIONS: readonly number[] = [1];

/** Whether a text is a semantic version, written strictly: `1.2.3-rc.1+build`, no `v`, no spaces. */
export function isVersion(text: string): boolean {
  return text.length <= VERSION_LIMITS.version && /^[0-9]\S*$/.test(text) && valid(text) !== null;
}

/** Whether a text is a range of versions, such as `^1.2.0`. "Any" is `*`; an empty text is none. */
export function isRange(text: string): boolean {
  return text.trim() !== "" && text.length <= VERSION_LIMITS.range && validRange(text) !== null;
}

/**
 * Whether a version lies in a range. As npm has it: a pre-release lies only in ranges that name a pre-release of the
 * same version, and build metadata counts for nothing.
 */
export function satisfies(version: string, range: string): boolean {
  return isVersion(version) && isRange(range) && satisfiesRange(version, range);
}

/**
 * Whether a version is at least another; how connect-plugin for Go asks. Unlike in a range, a pre-release counts like
 * any version. An empty minimum is met by all.
 */
export function isAtLeast(version: string, minimum: string): boolean {
  if (minimum === "") return true;
  return isVersion(version) && isVersion(minimum) && compare(version, minimum) >= 0;
}

/** All versions that a peer speaks. A peer that says only which one it would like, like those in Go, speaks that. */
export function spokenVersions(wanted: number, supported: readonly number[]): readonly number[] {
  return supported.length > 0 ? supported : [wanted];
}

/** The highest version that both sides speak; undefined if there is none. */
export function negotiateVersion(ours: readonly number[], theirs: readonly number[]): number | undefined {
  let highest: number | undefined;
  for (const version of theirs) {
    if (ours.includes(version) && (highest === undefined || version > highest)) highest = version;
  }
  return highest;
}

/** The failure of a host and a plugin that have no version in common. */
export function noCommonVersion(
  which: "core" | "app",
  host: readonly number[],
  plugin: readonly number[],
): CallFailure {
  const [reason, what, advice] =
    which === "core"
      ? (["CORE_VERSION_UNSUPPORTED", "core protocol", "upgrade the SDK of the older side"] as const)
      : ([
          "APP_VERSION_UNSUPPORTED",
          "app protocol",
          "use a plugin that was built for this application",
        ] as const);
  const facts = { host: listVersions(host), plugin: listVersions(plugin) };
  return createFailure(
    reason,
    `host and plugin have no ${what} version in common: the host speaks ${facts.host}, the plugin speaks ${facts.plugin}; ${advice}`,
    { facts },
  );
}

function listVersions(versions: readonly number[]): string {
  if (versions.length === 0) return "none";
  const sorted = [...versions].sort((a, b) => a - b);
  return sorted.length <= 16 ? sorted.join(", ") : `${sorted.slice(0, 16).join(", ")}, … (${sorted.length})`;
}
