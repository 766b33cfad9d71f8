import { createInterface } from "node:readline";

/** What a subject says to the bench: a line each. */
export type Reply<Result> =
  | { readonly ready: true }
  | { readonly result: Result }
  | { readonly error: string };

/**
 * Makes this process a subject: it does what each line of standard input orders, one after the other, and answers with
 * a line. It ends when standard input does, so it never outlives the bench.
 */
export async function serveOrders<Order, Result>(
  fulfil: (order: Order) => Promise<Result>,
  close: () => Promise<void>,
): Promise<void> {
  say({ ready: true });
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      say({ result: await fulfil(JSON.parse(line) as Order) });
    } catch (error) {
      say({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  }
  await close();
  process.exit(0);
}

function say(reply: Reply<unknown>): void {
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
