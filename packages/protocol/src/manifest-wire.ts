import { create } from "@bufbuild/protobuf";
import type { MethodKind } from "./call.js";
import {
  type HandshakeRequest,
  MethodInfoSchema,
  OfferedServiceSchema,
  RequiredServiceSchema,
  Arity as WireArity,
  Idempotency as WireIdempotency,
  Instances as WireInstances,
  MethodKind as WireKind,
  type MethodInfo as WireMethod,
  type OfferedService as WireOffered,
  type RequiredService as WireRequired,
} from "./gen/connectplugin/v1/handshake_pb.js";
import type { Arity, Manifest, MethodInfo, OfferedService, RequiredService } from "./manifest.js";
import { checkManifest, type ManifestCheck } from "./manifest-check.js";

/** The fields of a handshake that a manifest fills. */
export type HandshakeManifest = Pick<
  HandshakeRequest,
  "selfId" | "selfVersion" | "provides" | "requires" | "instances" | "sdkName" | "sdkVersion"
>;

const kinds = {
  unary: WireKind.UNARY,
  server_streaming: WireKind.SERVER_STREAMING,
  client_streaming: WireKind.CLIENT_STREAMING,
  bidi_streaming: WireKind.BIDI_STREAMING,
} as const satisfies Record<MethodKind, WireKind>;

const idempotencies = {
  unknown: WireIdempotency.UNSPECIFIED,
  no_side_effects: WireIdempotency.NO_SIDE_EFFECTS,
  idempotent: WireIdempotency.IDEMPOTENT,
} as const satisfies Record<MethodInfo["idempotency"], WireIdempotency>;

const arities = {
  one: WireArity.ONE,
  optional: WireArity.OPTIONAL,
  each: WireArity.EACH,
  capability: WireArity.CAPABILITY,
} as const satisfies Record<Arity, WireArity>;

/** Writes a manifest into the fields of a handshake. */
export function manifestToHandshake(manifest: Manifest): HandshakeManifest {
  return {
    selfId: manifest.name,
    selfVersion: manifest.version,
    provides: manifest.provides.map(offeredServiceToWire),
    requires: manifest.requires.map(requiredServiceToWire),
    instances: manifest.instances === "one" ? WireInstances.ONE : WireInstances.MANY,
    sdkName: manifest.sdk.name,
    sdkVersion: manifest.sdk.version,
  };
}

/**
 * Reads the manifest out of a handshake and checks it. A peer in Go says its name and version only: its manifest
 * provides and requires nothing.
 */
export function manifestFromHandshake(request: HandshakeManifest): ManifestCheck {
  return checkManifest({
    name: request.selfId,
    version: request.selfVersion,
    provides: request.provides.map(({ key, service, version, methods }) => ({
      key,
      service,
      version,
      methods: methods.map((method) => ({
        name: method.name,
        kind: methodKindFromWire(method.kind) ?? method.kind,
        // What a newer peer promises and we do not understand is no promise.
        idempotency: nameOf(idempotencies, method.idempotency) ?? "unknown",
      })),
    })),
    requires: request.requires.map(({ key, service, range, arity, methods }) => ({
      key,
      service,
      range,
      arity: nameOf(arities, arity) ?? arity,
      methods,
    })),
    instances: request.instances === WireInstances.ONE ? "one" : "many",
    sdk: { name: request.sdkName, version: request.sdkVersion },
  });
}

/** An offered service as a message. */
export function offeredServiceToWire(offered: OfferedService): WireOffered {
  return create(OfferedServiceSchema, {
    key: offered.key,
    service: offered.service,
    version: offered.version,
    methods: offered.methods.map(methodToWire),
  });
}

/** A required service as a message. */
export function requiredServiceToWire(required: RequiredService): WireRequired {
  return create(RequiredServiceSchema, {
    key: required.key,
    service: required.service,
    range: required.range,
    arity: arities[required.arity],
    methods: [...required.methods],
  });
}

/** A method as a message. */
export function methodToWire(method: MethodInfo): WireMethod {
  return create(MethodInfoSchema, {
    name: method.name,
    kind: kinds[method.kind],
    idempotency: idempotencies[method.idempotency],
  });
}

/** The kind of a method in a message; undefined if it does not say or only a newer peer knows. */
export function methodKindFromWire(kind: number): MethodKind | undefined {
  return nameOf(kinds, kind);
}

function nameOf<K extends string>(numbers: Readonly<Record<K, number>>, number: number): K | undefined {
  for (const name in numbers) {
    if (numbers[name] === number) return name;
  }
  return undefined;
}
