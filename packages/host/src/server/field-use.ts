/** Fields that the protocols of the door read themselves. The order is that of {@link KnownField}. */
const KNOWN = [
  "content-type",
  "content-length",
  "content-encoding",
  "accept-encoding",
  "transfer-encoding",
  "connect-protocol-version",
  "connect-timeout-ms",
  "connect-content-encoding",
  "connect-accept-encoding",
  "grpc-timeout",
  "grpc-encoding",
  "grpc-accept-encoding",
] as const;

export type KnownField = (typeof KNOWN)[number];

/** What a field of a request is to the door. */
export type FieldUse =
  | { readonly kind: "known"; readonly slot: number }
  | { readonly kind: "metadata"; readonly name: string }
  /** As metadata, but base64. */
  | { readonly kind: "binary"; readonly name: string }
  /** Means something to HTTP, to a proxy or to a gate, and to nobody behind the door. */
  | { readonly kind: "dropped" };

const DROPPED: ReadonlySet<string> = new Set([
  "accept",
  "authorization",
  "connection",
  "cookie",
  "cookie2",
  "date",
  "expect",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "server",
  "set-cookie",
  "set-cookie2",
  "te",
  "trailer",
  "trailers",
  "upgrade",
  "user-agent",
  "www-authenticate",
  "x-api-key",
]);

const DROPPED_PREFIXES = [":", "proxy-", "x-plugin-", "access-control-"] as const;
/** Belong to the protocols: what of it is not known is not metadata either. */
const PROTOCOL_PREFIXES = ["connect-", "grpc-", "trailer-"] as const;

const slots: ReadonlyMap<string, number> = new Map(KNOWN.map((name, slot) => [name, slot]));

/** Names as they were spelled. Callers choose names, so number and length are bounded. */
const MAX_SEEN = 1_024;
const MAX_SEEN_LENGTH = 64;
const seen = new Map<string, FieldUse>();

/** @param name as it was sent, in any case */
export function useOfField(name: string): FieldUse {
  const before = seen.get(name);
  if (before !== undefined) return before;
  const use = judge(name.toLowerCase());
  if (name.length > MAX_SEEN_LENGTH) return use;
  if (seen.size >= MAX_SEEN) seen.clear();
  seen.set(name, use);
  return use;
}

export const KNOWN_FIELDS = KNOWN.length;

export function slotOf(name: KnownField): number {
  return slots.get(name) as number;
}

/** Whether a field of a response is the provider's to set. */
export function isMetadata(name: string): boolean {
  const { kind } = useOfField(name);
  return kind === "metadata" || kind === "binary";
}

function judge(name: string): FieldUse {
  const slot = slots.get(name);
  if (slot !== undefined) return { kind: "known", slot };
  if (DROPPED.has(name) || starts(name, DROPPED_PREFIXES) || starts(name, PROTOCOL_PREFIXES)) {
    return { kind: "dropped" };
  }
  return { kind: name.endsWith("-bin") ? "binary" : "metadata", name };
}

function starts(name: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => name.startsWith(prefix));
}
