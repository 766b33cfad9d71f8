import { type CallFailure, createFailure } from "@connect-plugin/protocol";
import type { ApplicationTokens } from "./application-tokens.js";
import type { Principal } from "./principal.js";

/** All that anybody may ask for without a credential, by GET or HEAD: how the host is, and nothing about it. */
export const PUBLIC_PATHS = ["/healthz", "/readyz", "/health"] as const;

/** The head of a request, as far as it is judged by. */
export interface GateRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** All values of a field, in order. @param name in lower case */
  fields(name: string): readonly string[];
}

export type GateAnswer =
  | { readonly kind: "principal"; readonly principal: Principal }
  | { readonly kind: "public" }
  | { readonly kind: "refused"; readonly failure: CallFailure };

/** Where a request becomes somebody's. The only such place. */
export interface ApplicationGate {
  /** Judges by the head alone, before anything of the body is read. Never throws. */
  admit(request: GateRequest): GateAnswer;
}

/** Fields in which somebody might look for a credential. One of them may be there, once. */
const CREDENTIAL_FIELDS = [
  "authorization",
  "proxy-authorization",
  "x-api-key",
  "x-plugin-runtime-id",
  "x-plugin-runtime-token",
] as const;

const publicPaths: ReadonlySet<string> = new Set(PUBLIC_PATHS);

/** `id.secret`, as tokens of ours are written: 128 and 256 bits of base64url. */
const BEARER = /^bearer +([\w-]{22}\.[\w-]{43})$/i;

export function createApplicationGate(tokens: Pick<ApplicationTokens, "verify">): ApplicationGate {
  return {
    admit(request) {
      if (publicPaths.has(request.path) && (request.method === "GET" || request.method === "HEAD")) {
        return { kind: "public" };
      }
      const shown = CREDENTIAL_FIELDS.flatMap((name) =>
        request.fields(name).map((value) => ({ name, value })),
      );
      const [first, second] = shown;
      if (first === undefined) return missing;
      // A comma would be two values in one field, as some proxies write them.
      if (second !== undefined || first.value.includes(",")) return ambiguous;
      if (first.name !== "authorization") return missing;
      const token = BEARER.exec(first.value)?.[1];
      if (token === undefined) return malformed;
      const verified = tokens.verify(token);
      return verified.kind === "verified"
        ? { kind: "principal", principal: verified.principal }
        : { kind: "refused", failure: verified.failure };
    },
  };
}

const missing = refused(
  "CREDENTIAL_MISSING",
  "the request has no token; send one as Authorization: Bearer TOKEN, from: connect-plugin token create --name NAME",
);

const ambiguous = refused(
  "CREDENTIAL_AMBIGUOUS",
  "the request has several credentials, of which none is believed; send one Authorization field and nothing like it",
);

const malformed = refused(
  "CREDENTIAL_INVALID",
  "the Authorization field holds no token of this host; wanted Bearer and what connect-plugin token create printed",
);

function refused(
  reason: "CREDENTIAL_MISSING" | "CREDENTIAL_AMBIGUOUS" | "CREDENTIAL_INVALID",
  message: string,
) {
  return { kind: "refused", failure: createFailure(reason, message) } as const;
}
