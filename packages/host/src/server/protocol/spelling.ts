import type { Codec } from "@connect-plugin/protocol";

/** In which protocol, and how encoded, a caller speaks. */
export interface Spelling {
  readonly protocol: "connect-unary" | "connect-stream" | "grpc" | "grpc-web";
  readonly codec: Codec;
  /** Whether the body is base64, for browsers that cannot read bytes as they come. */
  readonly text: boolean;
  /** The content type of the answer. */
  readonly contentType: string;
}

function spelling(
  protocol: Spelling["protocol"],
  codec: Codec,
  contentType: string,
  text = false,
): readonly [string, Spelling] {
  return [contentType, { protocol, codec, text, contentType }];
}

const SPELLINGS: ReadonlyMap<string, Spelling> = new Map([
  spelling("connect-unary", "proto", "application/proto"),
  spelling("connect-unary", "json", "application/json"),
  spelling("connect-stream", "proto", "application/connect+proto"),
  spelling("connect-stream", "json", "application/connect+json"),
  spelling("grpc", "proto", "application/grpc"),
  spelling("grpc", "proto", "application/grpc+proto"),
  spelling("grpc", "json", "application/grpc+json"),
  spelling("grpc-web", "proto", "application/grpc-web"),
  spelling("grpc-web", "proto", "application/grpc-web+proto"),
  spelling("grpc-web", "json", "application/grpc-web+json"),
  spelling("grpc-web", "proto", "application/grpc-web-text", true),
  spelling("grpc-web", "proto", "application/grpc-web-text+proto", true),
  spelling("grpc-web", "json", "application/grpc-web-text+json", true),
]);

/** What a content type stands for; undefined if it is none of ours. */
export function spellingOf(contentType: string): Spelling | undefined {
  const exact = SPELLINGS.get(contentType);
  if (exact !== undefined) return exact;
  const [type = "", ...parameters] = contentType.toLowerCase().split(";");
  const ours = parameters.every((parameter) => /^\s*charset\s*=\s*"?utf-8"?\s*$/.test(parameter));
  return ours ? SPELLINGS.get(type.trim()) : undefined;
}

/** For those who speak to the door in no protocol that it knows. */
export const CONNECT_JSON = SPELLINGS.get("application/json") as Spelling;
export const CONNECT_PROTO = SPELLINGS.get("application/proto") as Spelling;
