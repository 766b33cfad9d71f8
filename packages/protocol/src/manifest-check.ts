import type { MethodKind } from "./call.js";
import { describeValue } from "./describe-value.js";
import { type CallFailure, createFailure } from "./failure.js";
import type { Arity, Manifest, MethodInfo, OfferedService, RequiredService } from "./manifest.js";
import { keyProblem, methodNameProblem, packageNameProblem, serviceNameProblem } from "./names.js";
import { quoted } from "./printable.js";
import { utf8Length } from "./utf8.js";
import { isRange, isVersion } from "./version.js";

/** How much a manifest may hold. */
export const MANIFEST_LIMITS = {
  /** Services that a plugin provides, and as many that it requires. */
  services: 256,
  /** Methods of one service. */
  methods: 512,
  /** Bytes of the SDK's name and as many of its version. */
  sdk: 128,
} as const;

/** Problems that a message lists; there may be more. */
const PROBLEMS_SHOWN = 8;

const kinds = [
  "unary",
  "server_streaming",
  "client_streaming",
  "bidi_streaming",
] as const satisfies MethodKind[];
const idempotencies = [
  "unknown",
  "no_side_effects",
  "idempotent",
] as const satisfies MethodInfo["idempotency"][];
const arities = ["one", "optional", "each", "capability"] as const satisfies Arity[];
const instances = ["many", "one"] as const satisfies Manifest["instances"][];

export type ManifestCheck =
  | { readonly ok: true; readonly manifest: Manifest }
  | { readonly ok: false; readonly failure: CallFailure; readonly problems: readonly string[] };

/**
 * Takes a value for what it claims to be. The manifest that comes out is a copy with nothing in it but what was
 * checked; what a newer SDK adds is left out.
 *
 * Fails with HANDSHAKE_INVALID, every problem named with its path, or with SERVICE_REGISTERED_TWICE.
 */
export function checkManifest(value: unknown): ManifestCheck {
  const problems: string[] = [];
  const manifest = readManifest(value, problems);
  if (problems.length > 0) return refuse(problems);
  const twice = findTwice(manifest.provides);
  if (twice === undefined) return { ok: true, manifest };
  const problem = `the service ${twice.service} is provided twice, as ${twice.keys.join(" and as ")}`;
  const failure = createFailure(
    "SERVICE_REGISTERED_TWICE",
    `package ${manifest.name}: ${problem}; a plugin provides a service once, under one key`,
    { facts: { package: manifest.name, service: twice.service, keys: twice.keys.join(", ") } },
  );
  return { ok: false, failure, problems: [problem] };
}

function refuse(problems: readonly string[]): ManifestCheck {
  const more = problems.length - PROBLEMS_SHOWN;
  const shown = problems.slice(0, PROBLEMS_SHOWN).join("; ") + (more > 0 ? `; and ${more} more` : "");
  return {
    ok: false,
    failure: createFailure("HANDSHAKE_INVALID", `the manifest is not valid: ${shown}`),
    problems,
  };
}

function findTwice(provides: readonly OfferedService[]) {
  const keyOf = new Map<string, string>();
  for (const { service, key } of provides) {
    const other = keyOf.get(service);
    if (other !== undefined) return { service, keys: [other, key] };
    keyOf.set(service, key);
  }
  return undefined;
}

function readManifest(value: unknown, problems: string[]): Manifest {
  const fields = readObject("manifest", value, problems);
  const sdk = readObject("sdk", fields.sdk, problems);
  return {
    name: readText("name", fields.name, packageNameProblem, problems),
    version: readText("version", fields.version, versionProblem, problems),
    provides: readKeyed("provides", fields.provides, readOfferedService, problems),
    requires: readKeyed("requires", fields.requires, readRequiredService, problems),
    instances: readOneOf("instances", fields.instances, instances, problems),
    sdk: {
      name: readText("sdk.name", sdk.name, sdkProblem, problems),
      version: readText("sdk.version", sdk.version, sdkProblem, problems),
    },
  };
}

function readOfferedService(at: string, value: unknown, problems: string[]): OfferedService {
  const fields = readObject(at, value, problems);
  const methods = readList(`${at}.methods`, fields.methods, MANIFEST_LIMITS.methods, problems);
  const seen = new Set<string>();
  return {
    key: readText(`${at}.key`, fields.key, keyProblem, problems),
    service: readText(`${at}.service`, fields.service, serviceNameProblem, problems),
    version: readText(`${at}.version`, fields.version, versionProblem, problems),
    methods: methods.map((method, index) => {
      const info = readMethod(`${at}.methods[${index}]`, method, problems);
      if (seen.has(info.name)) {
        problems.push(`${at}.methods[${index}].name is ${quoted(info.name)}, which is there already`);
      }
      seen.add(info.name);
      return info;
    }),
  };
}

function readMethod(at: string, value: unknown, problems: string[]): MethodInfo {
  const fields = readObject(at, value, problems);
  return {
    name: readText(`${at}.name`, fields.name, methodNameProblem, problems),
    kind: readOneOf(`${at}.kind`, fields.kind, kinds, problems),
    idempotency: readOneOf(`${at}.idempotency`, fields.idempotency, idempotencies, problems),
  };
}

function readRequiredService(at: string, value: unknown, problems: string[]): RequiredService {
  const fields = readObject(at, value, problems);
  const methods = readList(`${at}.methods`, fields.methods, MANIFEST_LIMITS.methods, problems);
  return {
    key: readText(`${at}.key`, fields.key, keyProblem, problems),
    service: readText(`${at}.service`, fields.service, serviceNameProblem, problems),
    range: readText(`${at}.range`, fields.range, rangeProblem, problems),
    arity: readOneOf(`${at}.arity`, fields.arity, arities, problems),
    methods: methods.map((method, index) =>
      readText(`${at}.methods[${index}]`, method, methodNameProblem, problems),
    ),
  };
}

/** Reads a list whose elements have keys that tell them apart. */
function readKeyed<T extends { readonly key: string }>(
  at: string,
  value: unknown,
  read: (at: string, value: unknown, problems: string[]) => T,
  problems: string[],
): readonly T[] {
  const seen = new Set<string>();
  return readList(at, value, MANIFEST_LIMITS.services, problems).map((element, index) => {
    const result = read(`${at}[${index}]`, element, problems);
    if (seen.has(result.key)) {
      problems.push(`${at}[${index}].key is ${quoted(result.key)}, which is there already`);
    }
    seen.add(result.key);
    return result;
  });
}

function readList(at: string, value: unknown, limit: number, problems: string[]): readonly unknown[] {
  if (!Array.isArray(value)) {
    problems.push(`${at} must be an array, but is ${describeValue(value)}`);
    return [];
  }
  if (value.length > limit) {
    problems.push(`${at} must have at most ${limit} elements, but has ${value.length}`);
    return [];
  }
  return value;
}

function readObject(at: string, value: unknown, problems: string[]): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  problems.push(`${at} must be an object, but is ${describeValue(value)}`);
  return {};
}

function readText(
  at: string,
  value: unknown,
  problemOf: (text: string) => string | undefined,
  problems: string[],
): string {
  if (typeof value !== "string") {
    problems.push(`${at} must be a text, but is ${describeValue(value)}`);
    return "";
  }
  const problem = problemOf(value);
  if (problem !== undefined) problems.push(`${at}: ${problem}`);
  return value;
}

function readOneOf<T extends string>(
  at: string,
  value: unknown,
  allowed: readonly [T, ...T[]],
  problems: string[],
): T {
  const found = allowed.find((one) => one === value);
  if (found === undefined) {
    problems.push(`${at} must be one of ${allowed.join(", ")}, but is ${describeValue(value)}`);
  }
  return found ?? allowed[0];
}

function versionProblem(version: string): string | undefined {
  return isVersion(version)
    ? undefined
    : `must be a semantic version such as 1.2.0, but is ${quoted(version)}`;
}

function rangeProblem(range: string): string | undefined {
  return isRange(range) ? undefined : `must be a semver range such as ^1.2.0, but is ${quoted(range)}`;
}

function sdkProblem(text: string): string | undefined {
  const size = utf8Length(text);
  return size > MANIFEST_LIMITS.sdk
    ? `must be at most ${MANIFEST_LIMITS.sdk} bytes long, but has ${size}`
    : undefined;
}
