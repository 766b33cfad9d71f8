import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Reply } from "./serve-orders.js";

/** A process under measurement; with whatever it starts itself, it is one end and the other. */
export interface Subject<Order, Result> {
  order(order: Order): Promise<Result>;
  /** Settles when the process has ended: by itself once its standard input ends, by SIGKILL if it takes too long. */
  end(): Promise<void>;
}

export interface SubjectCommand {
  /** For messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

const endTimeoutMs = 15_000;

/** Starts a process that speaks as `serveOrders` does. */
export async function startSubject<Order, Result>({
  name,
  command,
  args,
}: SubjectCommand): Promise<Subject<Order, Result>> {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  // Writing to a process that has just died is told by its end.
  child.stdin.on("error", () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = waitForEnd(child);
  const nextReply = async (): Promise<Reply<Result>> => {
    const { done, value } = await lines.next();
    if (done) throw new Error(`${name}: wanted an answer, but the process ended with ${await ended}`);
    return JSON.parse(value) as Reply<Result>;
  };
  const end = async () => {
    child.stdin.end();
    const timer = setTimeout(() => child.kill("SIGKILL"), endTimeoutMs);
    await ended;
    clearTimeout(timer);
  };
  try {
    const first = await nextReply();
    if (!("ready" in first)) throw new Error(`${name}: wanted "ready" first, found ${JSON.stringify(first)}`);
  } catch (error) {
    await end();
    throw error;
  }
  return {
    async order(order) {
      child.stdin.write(`${JSON.stringify(order)}\n`);
      const reply = await nextReply();
      if ("result" in reply) return reply.result;
      throw new Error(
        `${name}: ${"error" in reply ? reply.error : `wanted a result, found ${JSON.stringify(reply)}`}`,
      );
    },
    end,
  };
}

async function waitForEnd(child: ChildProcess): Promise<string> {
  return await new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
}
