/** Whether something settles (it must not reject) within so many milliseconds. The timer does not outlive the answer. */
export async function within(milliseconds: number, something: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, milliseconds, false);
  });
  const inTime = await Promise.race([something.then(() => true), tooLate]);
  clearTimeout(timer);
  return inTime;
}
