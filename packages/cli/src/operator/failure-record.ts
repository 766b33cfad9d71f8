import type { CallFailure } from "@connect-plugin/protocol";
import { Code } from "@connectrpc/connect";
import { safeText } from "../output/safe-text.js";

/** A failed call for people and for programs. */
export function failureRecord(failure: CallFailure): { readonly text: string; readonly record: object } {
  const code = codeName(failure.code);
  const { info } = failure;
  const facts = Object.entries(info?.facts ?? {}).map(([name, value]) => `\n  ${name}: ${value}`);
  const blame = info === undefined ? "" : ` (${info.reason}, fault: ${info.fault})`;
  return {
    text: safeText(`${code}: ${failure.message}${blame}${facts.join("")}`),
    record: {
      code,
      message: failure.message,
      ...(info && { reason: info.reason, fault: info.fault, facts: info.facts }),
    },
  };
}

/** `Code.InvalidArgument` as `invalid_argument`, as everywhere on the wire. */
function codeName(code: number): string {
  return (Code[code] ?? "Unknown").replace(/(?!^)([A-Z])/g, "_$1").toLowerCase();
}
