/** Milliseconds as people say them: `840ms`, `12s`, `3m 20s`, `5h 12m`, `4d 1h`. */
export function formatDuration(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 1) return `${Math.round(ms)}ms`;
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h ${Math.floor((seconds % 3_600) / 60)}m`;
  return `${Math.floor(seconds / 86_400)}d ${Math.floor((seconds % 86_400) / 3_600)}h`;
}

/** Microseconds as people say them: `85µs`, `1.2ms`, `3.4s`. */
export function formatMicros(micros: number): string {
  if (micros < 1_000) return `${micros}µs`;
  if (micros < 1_000_000) return `${(micros / 1_000).toFixed(1)}ms`;
  return `${(micros / 1_000_000).toFixed(1)}s`;
}

/**
 * Reads `500ms`, `10s`, `2m`, `1h`; a bare number is seconds.
 * @returns milliseconds, or undefined if it is none of these or not above 0.
 */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text.trim());
  if (match === null) return undefined;
  const unit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[match[2] ?? "s"] ?? 1_000;
  const ms = Number(match[1]) * unit;
  return ms > 0 ? ms : undefined;
}
