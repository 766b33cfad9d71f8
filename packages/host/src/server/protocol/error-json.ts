import { type CallFailure, joinDetails } from "@connect-plugin/protocol";
import { nameOfCode } from "./code-names.js";

/** A failure as Connect spells it in JSON. */
export interface ErrorJson {
  readonly code: string;
  readonly message?: string;
  readonly details?: readonly { readonly type: string; readonly value: string }[];
}

export function toErrorJson(failure: CallFailure): ErrorJson {
  const details = joinDetails(failure.info, failure.details).map(({ type, value }) => ({
    type,
    value: toUnpaddedBase64(value),
  }));
  return {
    code: nameOfCode(failure.code),
    ...(failure.message === "" ? {} : { message: failure.message }),
    ...(details.length === 0 ? {} : { details }),
  };
}

export function toUnpaddedBase64(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
  return text.replace(/=+$/, "");
}
