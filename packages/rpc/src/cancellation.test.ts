import { createFailure } from "@connect-plugin/protocol";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test, vi } from "vitest";
import { Cancellation } from "./cancellation.js";

const gone = createFailure("CANCELLED", "Nobody wants it any more.");
const late = createFailure("DEADLINE_EXCEEDED", "Too late.");

test("only the first cancellation counts, and listeners hear of it once", () => {
  const cancellation = new Cancellation();
  const listener = vi.fn();
  const forgotten = vi.fn();
  cancellation.onCancel(listener);
  cancellation.onCancel(forgotten)();
  cancellation.cancel(gone);
  cancellation.cancel(late);
  expect(listener).toHaveBeenCalledExactlyOnceWith(gone);
  expect(forgotten).not.toHaveBeenCalled();
  expect(cancellation.failure).toBe(gone);
  expect(cancellation.finished).toBe(false);
});

test("who listens after the cancellation hears of it at once", () => {
  const cancellation = new Cancellation();
  cancellation.cancel(gone);
  const listener = vi.fn();
  cancellation.onCancel(listener);
  expect(listener).toHaveBeenCalledExactlyOnceWith(gone);
});

test.each(["before", "after"])("its signal is aborted with the failure, asked for %s", (when) => {
  const cancellation = new Cancellation();
  if (when === "before") expect(cancellation.signal.aborted).toBe(false);
  cancellation.cancel(gone);
  const { signal } = cancellation;
  expect(signal.aborted).toBe(true);
  expect(signal.reason).toBeInstanceOf(ConnectError);
  expect(signal.reason).toMatchObject({ code: Code.Canceled, rawMessage: "Nobody wants it any more." });
  expect(cancellation.signal).toBe(signal);
});

test("what is finished cannot be cancelled, and its signal says that it is over", () => {
  const cancellation = new Cancellation();
  const { signal } = cancellation;
  const listener = vi.fn();
  cancellation.onCancel(listener);
  cancellation.finish();
  cancellation.cancel(gone);
  cancellation.onCancel(listener);
  expect(cancellation.finished).toBe(true);
  expect(cancellation.failure).toBeUndefined();
  expect(listener).not.toHaveBeenCalled();
  expect(signal.aborted).toBe(true);
  expect(signal.reason).toMatchObject({ name: "AbortError" });
});
