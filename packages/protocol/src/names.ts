import { quoted } from "./printable.js";
import { utf8Length } from "./utf8.js";

// The grammars of all names. Each function says what is wrong with a name, or undefined if nothing is. Lengths are
// bytes of UTF-8.

const PLUGIN_NAME = /^[a-z](?:-?[a-z0-9])*$/;
const SERVICE_NAME = /^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*$/;
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;
const GO_NAME = /^[A-Za-z][A-Za-z0-9_.-]*$/;
const RUNTIME_ID = /^[a-z0-9-]+$/;
const RUNTIME_ID_SUFFIX = /^[0-9a-f]{8,}$/;
const KEY = /^[A-Za-z_$][A-Za-z0-9_$]*$/;
const PATH_SEGMENT = /^[A-Za-z0-9._~!$&'()*+,;=:@-]*$/;
const HEADER_NAME = /^[a-z0-9_.-]+$/;
const HEADER_VALUE = /^[\x20-\x7e]*$/;
const UNPADDED_BASE64 = /^[A-Za-z0-9+/]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** The longest names, in bytes. */
export const NAME_LIMITS = {
  pluginName: 64,
  serviceName: 256,
  methodName: 128,
  key: 64,
  /** What hosts in Go accept as self_id. */
  packageName: 128,
  selfId: 256,
  serviceType: 128,
  runtimeId: 128,
  endpointPath: 256,
  metadataKey: 256,
  metadataValue: 4_096,
} as const;

/** The operator's name of a plugin, such as `kv` or `url-shortener`. */
export function pluginNameProblem(name: string): string | undefined {
  return (
    lengthProblem("a plugin name", name, NAME_LIMITS.pluginName) ??
    grammarProblem(
      "a plugin name",
      name,
      PLUGIN_NAME,
      "lower-case letters and digits with single hyphens between them, beginning with a letter",
    )
  );
}

/** A fully qualified Protobuf name of a service, such as `kv.v1.KvService`. */
export function serviceNameProblem(name: string): string | undefined {
  return (
    lengthProblem("a service name", name, NAME_LIMITS.serviceName) ??
    grammarProblem("a service name", name, SERVICE_NAME, "a Protobuf name such as kv.v1.KvService")
  );
}

/** A Protobuf name of a method, such as `Get`. */
export function methodNameProblem(name: string): string | undefined {
  return (
    lengthProblem("a method name", name, NAME_LIMITS.methodName) ??
    grammarProblem("a method name", name, IDENTIFIER, "a Protobuf name such as Get")
  );
}

/** The name under which a plugin's code speaks of a service: a JavaScript identifier. */
export function keyProblem(key: string): string | undefined {
  return (
    lengthProblem("a key", key, NAME_LIMITS.key) ??
    grammarProblem("a key", key, KEY, "ASCII letters, digits, _ and $, not beginning with a digit")
  );
}

/** What a plugin's package calls itself, such as `kv-store`. It travels as self_id, and hosts in Go must accept it. */
export function packageNameProblem(name: string): string | undefined {
  return goNameProblem("a package name", name, NAME_LIMITS.packageName);
}

/** What a package calls itself in a handshake; the grammar is that of connect-plugin for Go. */
export function selfIdProblem(name: string): string | undefined {
  return goNameProblem("self_id", name, NAME_LIMITS.selfId);
}

/** The free name by which connect-plugin for Go speaks of a service, such as `kv`. */
export function serviceTypeProblem(name: string): string | undefined {
  return (
    goNameProblem("service_type", name, NAME_LIMITS.serviceType) ??
    (name.includes("..") ? `service_type must not contain "..", but is ${quoted(name)}` : undefined)
  );
}

/** A key of the metadata of a handshake or a registration. */
export function metadataKeyProblem(key: string): string | undefined {
  return goNameProblem("a metadata key", key, NAME_LIMITS.metadataKey);
}

/** A value of the metadata of a handshake or a registration. */
export function metadataValueProblem(value: string): string | undefined {
  const size = utf8Length(value);
  if (size > NAME_LIMITS.metadataValue) {
    return `a metadata value must be at most ${NAME_LIMITS.metadataValue} bytes long, but has ${size}`;
  }
  return CONTROL.test(value)
    ? `a metadata value must not contain control characters, but is ${quoted(value)}`
    : undefined;
}

/** An id that a host gives to an instance: a path segment, a label and a log field without any escaping. */
export function runtimeIdProblem(id: string): string | undefined {
  return (
    lengthProblem("a runtime id", id, NAME_LIMITS.runtimeId) ??
    grammarProblem("a runtime id", id, RUNTIME_ID, "lower-case letters, digits and hyphens only")
  );
}

/**
 * Makes a runtime id of what a plugin is called and of randomness.
 *
 * @param name any text; what a runtime id cannot hold becomes hyphens
 * @param suffix 8 hexadecimal digits or more, from a good generator
 * @throws RangeError if the suffix is anything else
 */
export function createRuntimeId(name: string, suffix: string): string {
  if (!RUNTIME_ID_SUFFIX.test(suffix) || suffix.length > 64) {
    throw new RangeError(`suffix must be 8 to 64 lower-case hexadecimal digits, but is ${quoted(suffix)}`);
  }
  const readable = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-/, "")
    .slice(0, NAME_LIMITS.runtimeId - suffix.length - 1)
    .replace(/-$/, "");
  return `${readable === "" ? "plugin" : readable}-${suffix}`;
}

/**
 * The path of a service at a provider that speaks HTTP, such as `/kv.v1.KVService/`. It becomes part of a URL unread,
 * so nothing in it may mean anything else there, however often it is decoded.
 */
export function endpointPathProblem(path: string): string | undefined {
  const problem = lengthProblem("endpoint_path", path, NAME_LIMITS.endpointPath);
  if (problem !== undefined) return problem;
  if (!path.startsWith("/")) return `endpoint_path must begin with "/", but is ${quoted(path)}`;
  if (path === "/") return undefined;
  const segments = path.slice(1).split("/");
  if (segments.at(-1) === "") segments.pop();
  for (const segment of segments) {
    if (segment === "" || segment === "." || segment === "..") {
      return `endpoint_path must not have empty, "." or ".." segments, but is ${quoted(path)}`;
    }
    if (!PATH_SEGMENT.test(segment)) {
      return `endpoint_path must hold plain path characters only (no "%", "?", "#", "\\", space or control), but is ${quoted(path)}`;
    }
  }
  return undefined;
}

/** A name in the metadata of a call. */
export function headerNameProblem(name: string): string | undefined {
  return (
    lengthProblem("a metadata name", name, NAME_LIMITS.metadataKey) ??
    grammarProblem("a metadata name", name, HEADER_NAME, 'lower-case letters, digits, "_", "." and "-"')
  );
}

/** A value in the metadata of a call. What it may be depends on its name. It may be a secret: it is not shown. */
export function headerValueProblem(name: string, value: string): string | undefined {
  if (name.endsWith("-bin")) {
    return UNPADDED_BASE64.test(value) && value.length % 4 !== 1
      ? undefined
      : `the value of ${quoted(name)} must be base64 without padding, but is not`;
  }
  if (!HEADER_VALUE.test(value)) {
    return `the value of ${quoted(name)} must be printable ASCII (binary goes into names ending in -bin), but is not`;
  }
  return value.trim() === value
    ? undefined
    : `the value of ${quoted(name)} must not begin or end with spaces, but does`;
}

function goNameProblem(what: string, name: string, limit: number): string | undefined {
  return (
    lengthProblem(what, name, limit) ??
    grammarProblem(what, name, GO_NAME, 'letters, digits, "_", "." and "-", beginning with a letter')
  );
}

function lengthProblem(what: string, text: string, limit: number): string | undefined {
  if (text === "") return `${what} must not be empty`;
  const size = utf8Length(text);
  return size > limit ? `${what} must be at most ${limit} bytes long, but has ${size}` : undefined;
}

function grammarProblem(what: string, text: string, grammar: RegExp, wanted: string): string | undefined {
  return grammar.test(text) ? undefined : `${what} must be ${wanted}, but is ${quoted(text)}`;
}
