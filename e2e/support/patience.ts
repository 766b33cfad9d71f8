import type { DeadlineOptions } from "@connect-plugin/host";
import { vi } from "vitest";

/** For the start of plugins on a machine that is busy with other things: only what never ends runs into these. */
export const PATIENT = {
  launchMs: 120_000,
  handshakeMs: 120_000,
  startMs: 120_000,
} as const satisfies DeadlineOptions;

/** Gives the tests of a file the time that a slow machine may take; call it before the first of them. */
export function bePatient(): void {
  vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
}
