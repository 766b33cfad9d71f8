import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import {
  checkManifest,
  describeValue,
  isRange,
  isVersion,
  keyProblem,
  type Manifest,
  type MethodInfo,
  type OfferedService,
  quoted,
  type RequiredService,
  selfIdProblem,
} from "@connect-plugin/protocol";
import { SDK } from "../sdk.js";

/** Services of our own live here; a plugin neither provides nor requires them. */
const RESERVED_PACKAGE = "connectplugin.";

/** The parts of a definition that a manifest is made of, as unknown as JavaScript leaves them. */
interface Declaration {
  readonly name: unknown;
  readonly version: unknown;
  readonly provides?: unknown;
  readonly requires?: unknown;
  readonly instances?: unknown;
}

/**
 * Makes a plugin's manifest of what its author declared, and checks everything that types leave open.
 *
 * @throws TypeError naming the plugin, the key and the value
 */
export function createManifest(declared: Declaration): Manifest {
  const name = checkName(declared.name);
  const misuse = (message: string) => new TypeError(`definePlugin: plugin "${name}": ${message}`);

  if (typeof declared.version !== "string" || !isVersion(declared.version)) {
    throw misuse(
      `version must be a semantic version such as "1.4.0", but is ${describeValue(declared.version)}`,
    );
  }
  const instances = declared.instances ?? "many";
  if (instances !== "many" && instances !== "one") {
    throw misuse(`instances must be "many" or "one", but is ${describeValue(instances)}`);
  }
  const provides = entriesOf(declared.provides, "provides", misuse).map(([key, offer]) =>
    createOffered(key, offer, misuse),
  );
  const requires = entriesOf(declared.requires, "requires", misuse).map(([key, need]) =>
    createRequired(key, need, misuse),
  );
  refuseDoubles(provides, requires, misuse);
  const manifest: Manifest = { name, version: declared.version, provides, requires, instances, sdk: SDK };
  // Lengths and numbers: what a host would refuse is better known now.
  const check = checkManifest(manifest);
  if (!check.ok) throw misuse(check.problems.join("; "));
  return manifest;
}

type Misuse = (message: string) => TypeError;

function checkName(name: unknown): string {
  if (typeof name !== "string") {
    throw new TypeError(
      `definePlugin: name must be a string such as "kv-store", but is ${describeValue(name)}`,
    );
  }
  const problem = selfIdProblem(name);
  if (problem !== undefined) throw new TypeError(`definePlugin: name: ${problem.replace("self_id", "it")}`);
  return name;
}

function entriesOf(declared: unknown, option: "provides" | "requires", misuse: Misuse): [string, unknown][] {
  if (declared === undefined) return [];
  if (typeof declared !== "object" || declared === null || Array.isArray(declared)) {
    throw misuse(`${option} must be an object of keys and declarations, but is ${describeValue(declared)}`);
  }
  const entries = Object.entries(declared);
  for (const [key] of entries) {
    const problem = keyProblem(key);
    if (problem !== undefined) throw misuse(`${option}: ${problem}`);
  }
  return entries;
}

function createOffered(key: string, value: unknown, misuse: Misuse): OfferedService {
  const where = `provides.${key}`;
  const offer = declarationOf(value, "offer", where, "provides(Service, version)", misuse);
  const desc = checkService(offer.desc, where, misuse);
  if (typeof offer.version !== "string" || !isVersion(offer.version)) {
    throw misuse(
      `${where}: version of ${desc.typeName} must be a semantic version such as "1.2.0", but is ${describeValue(offer.version)}`,
    );
  }
  return { key, service: desc.typeName, version: offer.version, methods: desc.methods.map(describeMethod) };
}

function createRequired(key: string, value: unknown, misuse: Misuse): RequiredService {
  const where = `requires.${key}`;
  const wanted = "requires(), optional(), each() or capability()";
  const need = declarationOf(value, "need", where, wanted, misuse);
  const desc = checkService(need.desc, where, misuse);
  if (typeof need.range !== "string" || !isRange(need.range)) {
    throw misuse(
      `${where}: range of ${desc.typeName} must be a semver range such as "^1.2.0", but is ${describeValue(need.range)}`,
    );
  }
  const arity = need.arity;
  if (arity !== "one" && arity !== "optional" && arity !== "each" && arity !== "capability") {
    throw misuse(`${where} must come from ${wanted}, but its arity is ${describeValue(arity)}`);
  }
  return {
    key,
    service: desc.typeName,
    range: need.range,
    arity,
    methods: methodNames(need.methods, desc, where, misuse),
  };
}

function methodNames(methods: unknown, desc: DescService, where: string, misuse: Misuse): readonly string[] {
  if (!Array.isArray(methods))
    throw misuse(`${where}: methods must be an array, but is ${describeValue(methods)}`);
  return methods.map((local: unknown) => {
    const method = desc.methods.find((candidate) => candidate.localName === local);
    if (method !== undefined) return method.name;
    const known = desc.methods.map((candidate) => candidate.localName).join(", ");
    throw misuse(
      `${where}: ${desc.typeName} has no method ${quoted(String(local))}; it has ${known || "none"}`,
    );
  });
}

function declarationOf(
  value: unknown,
  kind: "offer" | "need",
  where: string,
  wanted: string,
  misuse: Misuse,
): Record<string, unknown> {
  if (typeof value === "object" && value !== null && "kind" in value && value.kind === kind)
    return { ...value };
  throw misuse(`${where} must come from ${wanted}, but is ${describeFound(value)}`);
}

function checkService(desc: unknown, where: string, misuse: Misuse): DescService {
  if (!isService(desc)) {
    const hint = desc === undefined ? " (an import that does not exist, or one of a cycle?)" : "";
    throw misuse(
      `${where}: the service must be a descriptor generated by protoc-gen-es, such as KvService of "./gen/kv_pb.js", but is ${describeFound(desc)}${hint}`,
    );
  }
  if (desc.typeName.startsWith(RESERVED_PACKAGE)) {
    throw misuse(
      `${where}: ${desc.typeName} belongs to connect-plugin itself; the package "connectplugin" is reserved`,
    );
  }
  return desc;
}

function isService(desc: unknown): desc is DescService {
  return (
    typeof desc === "object" &&
    desc !== null &&
    "kind" in desc &&
    desc.kind === "service" &&
    "typeName" in desc &&
    typeof desc.typeName === "string" &&
    "methods" in desc &&
    Array.isArray(desc.methods)
  );
}

/** Descriptors by their names: whoever hands in another one than is wanted sees which. */
function describeFound(value: unknown): string {
  if (typeof value !== "object" || value === null || !("kind" in value)) return describeValue(value);
  if (value.kind === "rpc" && "name" in value) return `the method ${String(value.name)}`;
  return "typeName" in value
    ? `the ${String(value.kind)} ${String(value.typeName)} itself`
    : describeValue(value);
}

function describeMethod(method: DescMethod): MethodInfo {
  const idempotency =
    method.idempotency === Idempotency.NO_SIDE_EFFECTS
      ? "no_side_effects"
      : method.idempotency === Idempotency.IDEMPOTENT
        ? "idempotent"
        : "unknown";
  return { name: method.name, kind: method.methodKind, idempotency };
}

function refuseDoubles(
  provides: readonly OfferedService[],
  requires: readonly RequiredService[],
  misuse: Misuse,
): void {
  const byService = new Map<string, string>();
  for (const { key, service } of provides) {
    const other = byService.get(service);
    if (other !== undefined) {
      throw misuse(
        `provides.${other} and provides.${key} both offer ${service}; a plugin offers a service once`,
      );
    }
    byService.set(service, key);
  }
  const keys = new Set(provides.map((offered) => offered.key));
  for (const { key } of requires) {
    if (keys.has(key)) {
      throw misuse(
        `the key ${quoted(key)} is under both provides and requires; give one of them another name`,
      );
    }
  }
}
