import {
  type CallFailure,
  createFailure,
  headerNameProblem,
  headerValueProblem,
  type Metadata,
} from "@connect-plugin/protocol";

// What must not cross the router, whichever way: it would mean something to a proxy, a protocol or a gate on the other
// side. Everything else, `traceparent`, `tracestate` and `baggage` included, passes untouched.

const NAMES: ReadonlySet<string> = new Set([
  // hop by hop
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "trailers",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
  "expect",
  "via",
  "forwarded",
  "x-real-ip",
  // who somebody is
  "authorization",
  "www-authenticate",
  "cookie",
  "cookie2",
  "set-cookie",
  "set-cookie2",
  "x-api-key",
  // of the protocols that frame a call
  "host",
  "accept",
  "accept-encoding",
  "content-encoding",
  "content-length",
  "content-type",
  "user-agent",
]);

const PREFIXES = [":", "proxy-", "x-plugin-", "x-forwarded-", "connect-", "grpc-", "trailer-"] as const;

/** Names that have been looked at. Callers choose names, so the number is bounded. */
const MAX_KNOWN = 1_024;

type Verdict =
  | { readonly kind: "passes" }
  | { readonly kind: "reserved" }
  | { readonly kind: "invalid"; readonly problem: string };

/** Metadata that may cross, or what is wrong with it. */
export type CleanMetadata =
  | { readonly kind: "clean"; readonly metadata: Metadata }
  | { readonly kind: "failure"; readonly failure: CallFailure };

export interface MetadataFilter {
  /** Metadata without the reserved names. What holds none comes back as it is. */
  clean(metadata: Metadata): CleanMetadata;
}

/** @param limit names and values of one header or trailer, in bytes */
export function createMetadataFilter(limit: number): MetadataFilter {
  const known = new Map<string, Verdict>();

  function verdictOf(name: string): Verdict {
    const before = known.get(name);
    if (before !== undefined) return before;
    if (known.size >= MAX_KNOWN) known.clear();
    const verdict = judge(name);
    known.set(name, verdict);
    return verdict;
  }

  return {
    clean(metadata) {
      let size = 0;
      let reserved = 0;
      for (const [name, value] of metadata) {
        const verdict = verdictOf(name);
        if (verdict.kind === "reserved") {
          reserved++;
          continue;
        }
        const problem = verdict.kind === "invalid" ? verdict.problem : headerValueProblem(name, value);
        if (problem !== undefined)
          return { kind: "failure", failure: createFailure("METADATA_INVALID", problem) };
        size += name.length + value.length;
      }
      if (size > limit) return { kind: "failure", failure: tooLarge(size, limit) };
      if (reserved === 0) return { kind: "clean", metadata };
      return { kind: "clean", metadata: metadata.filter(([name]) => verdictOf(name).kind === "passes") };
    },
  };
}

function judge(name: string): Verdict {
  // Some servers take _ for -, and all take capitals for small letters.
  const spelled = name.trim().toLowerCase().replaceAll("_", "-");
  if (NAMES.has(spelled) || PREFIXES.some((prefix) => spelled.startsWith(prefix)))
    return { kind: "reserved" };
  const problem = headerNameProblem(name);
  return problem === undefined ? { kind: "passes" } : { kind: "invalid", problem };
}

function tooLarge(size: number, limit: number): CallFailure {
  return createFailure(
    "METADATA_TOO_LARGE",
    `the metadata of a call may have ${limit} bytes, but this has ${size}; send data of that size in a message`,
    { facts: { limit: String(limit), size: String(size) } },
  );
}
