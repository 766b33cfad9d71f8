import { failureError } from "@connect-plugin/rpc";
import { Secret } from "./secret.js";

/** What is kept of a token. Nobody can call with it. */
export interface TokenRecord {
  readonly id: string;
  /** `application` for those that call plugins through the door. Others are kept, and are no way in there. */
  readonly kind: string;
  readonly name: string;
  /** SHA-256 of the secret, as base64url. */
  readonly digest: string;
  /** ISO 8601, in UTC. */
  readonly created: string;
  readonly expires: string;
  readonly claims: Readonly<Record<string, string>>;
}

/** Fits some 10,000 tokens. */
const MAX_BYTES = 4 * 1_024 * 1_024;
const FORMAT = 1;

/**
 * Reads the text of a file of tokens. Strict: what looks a little like a token is none.
 *
 * @throws ConnectError TOKENS_UNREADABLE
 */
export function parseTokens(path: string, text: string): readonly TokenRecord[] {
  const problem = (what: string) =>
    failureError(
      "TOKENS_UNREADABLE",
      `the file of tokens ${path} is not what connect-plugin writes: ${what}; remove it and create the tokens anew`,
      { facts: { path } },
    );
  if (text.length > MAX_BYTES) throw problem(`it has more than ${MAX_BYTES} characters`);
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    throw problem("it is no JSON");
  }
  if (!isObject(read) || read.format !== FORMAT || !Array.isArray(read.tokens)) {
    throw problem(`wanted "format": ${FORMAT} and a list "tokens"`);
  }
  return read.tokens.map((token: unknown, index) => {
    if (!isRecord(token)) throw problem(`token ${index} is malformed`);
    return token;
  });
}

export function serializeTokens(tokens: readonly TokenRecord[]): string {
  return `${JSON.stringify({ format: FORMAT, tokens }, undefined, 2)}\n`;
}

function isRecord(token: unknown): token is TokenRecord {
  if (!isObject(token)) return false;
  const texts = ["id", "kind", "name", "digest", "created", "expires"].map((key) => token[key]);
  return (
    texts.every((text) => typeof text === "string") &&
    Secret.ofDigestText(String(token.digest)) !== undefined &&
    !Number.isNaN(Date.parse(String(token.expires))) &&
    isObject(token.claims) &&
    Object.values(token.claims).every((claim) => typeof claim === "string")
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
