/** What is waited for, or undefined as soon as the signal says to give up. Leaves no listener behind. */
export async function untilAborted<T>(signal: AbortSignal, something: Promise<T>): Promise<T | undefined> {
  if (signal.aborted) return undefined;
  let giveUp: (nothing: undefined) => void = () => {};
  const aborted = new Promise<undefined>((resolve) => {
    giveUp = resolve;
  });
  const listener = () => giveUp(undefined);
  signal.addEventListener("abort", listener);
  try {
    return await Promise.race([something, aborted]);
  } finally {
    signal.removeEventListener("abort", listener);
  }
}
