import { type CallFailure, createFailure, quoted } from "@connect-plugin/protocol";

/** A deadline on the `performance.now()` clock in ms, `Infinity` for none; or what is wrong with it. */
export type Deadline = number | CallFailure;

const CONNECT = /^\d{1,10}$/;
const GRPC = /^(\d{1,8})([HMSmun])$/;
const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

export function connectDeadline(timeout: string | undefined): Deadline {
  if (timeout === undefined) return Infinity;
  if (CONNECT.test(timeout)) return performance.now() + Number(timeout);
  return invalid("connect-timeout-ms", "milliseconds in at most 10 digits", timeout);
}

export function grpcDeadline(timeout: string | undefined): Deadline {
  if (timeout === undefined) return Infinity;
  const [, amount, unit = ""] = GRPC.exec(timeout) ?? [];
  if (amount === undefined)
    return invalid("grpc-timeout", "at most 8 digits and one of H, M, S, m, u, n", timeout);
  return performance.now() + Number(amount) * (UNIT_MS[unit] as number);
}

function invalid(field: string, wanted: string, found: string): CallFailure {
  return createFailure("REQUEST_INVALID", `${field}: wanted ${wanted}, got ${quoted(found)}`, {
    facts: { field },
  });
}
