/**
 * Whether something settles (it must not reject) within so many milliseconds. The timer does not outlive the answer.
 *
 * A loop that was busy all the time is not held against anybody: what has arrived meanwhile is looked at first.
 */
export async function within(milliseconds: number, something: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<false>((resolve) => {
    timer = setTimeout(() => setImmediate(() => setImmediate(resolve, false)), milliseconds);
  });
  const inTime = await Promise.race([something.then(() => true), tooLate]);
  clearTimeout(timer);
  return inTime;
}
