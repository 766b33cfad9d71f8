// Codes by number, as Connect spells them in JSON and as HTTP statuses.

const NAMES = [
  "",
  "canceled",
  "unknown",
  "invalid_argument",
  "deadline_exceeded",
  "not_found",
  "already_exists",
  "permission_denied",
  "resource_exhausted",
  "failed_precondition",
  "aborted",
  "out_of_range",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
  "unauthenticated",
] as const;

const STATUSES = [
  500, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401,
] as const;

/** A number that is no code counts as `unknown`. */
export function nameOfCode(code: number): string {
  return NAMES[code] || "unknown";
}

/** The HTTP status of an error of Connect unary. */
export function statusOfCode(code: number): number {
  return STATUSES[code] ?? 500;
}
