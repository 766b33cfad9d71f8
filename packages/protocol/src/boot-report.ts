import { describeValue } from "./describe-value.js";
import { type CallFailure, createFailure } from "./failure.js";
import type { Manifest } from "./manifest.js";
import { checkManifest } from "./manifest-check.js";
import { isReason, type Reason } from "./reason.js";

/** Characters of a message and of a stack that are taken from a report. */
const TEXT_LIMIT = 16_384;

/** How loading a plugin went, from its bootstrap. After a good one the lane begins. */
export type BootReport =
  | { readonly ok: true; readonly manifest: Manifest }
  | {
      readonly ok: false;
      readonly reason: Reason;
      readonly message: string;
      /** Of what the plugin file threw, if it threw. */
      readonly stack?: string;
    };

export type BootReportCheck =
  | { readonly ok: true; readonly report: BootReport }
  | { readonly ok: false; readonly failure: CallFailure };

/** Takes the value of a boot frame for a report. It comes from a process that runs somebody else's code. */
export function checkBootReport(value: unknown): BootReportCheck {
  const fields =
    typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  if (fields.ok === true) {
    const check = checkManifest(fields.manifest);
    return check.ok ? { ok: true, report: { ok: true, manifest: check.manifest } } : check;
  }
  const { reason, message, stack } = fields;
  if (fields.ok !== false || typeof reason !== "string" || !isReason(reason) || typeof message !== "string") {
    return {
      ok: false,
      failure: createFailure(
        "LANE_PROTOCOL",
        `wanted a boot report, found ${describeValue(value)}; the bootstrap and this host are not of the same version, or something else writes to the pipe`,
      ),
    };
  }
  return {
    ok: true,
    report: {
      ok: false,
      reason,
      message: message.slice(0, TEXT_LIMIT),
      ...(typeof stack === "string" ? { stack: stack.slice(0, TEXT_LIMIT) } : {}),
    },
  };
}
