import type { Client, ServiceImpl } from "@connectrpc/connect";
import type { EchoService } from "../gen/bench/v1/echo_pb.js";
import type { CallLoadOrder } from "../harness/call-load.js";

/** Two bytes of tag and length come on top: the message has 110. */
export const ECHO_TEXT_BYTES = 108;

/** Calls with an echo of a text of so many bytes. */
export interface EchoOrder extends CallLoadOrder {
  readonly bytes: number;
}

/** The same for connect-es and for a plugin. */
export const echoService: ServiceImpl<typeof EchoService> = {
  echo: ({ text }) => ({ text }),
};

/** A call that checks its answer. */
export function createEchoCall(client: Client<typeof EchoService>, bytes: number): () => Promise<void> {
  const text = "x".repeat(bytes);
  return async () => checkEcho(text, (await client.echo({ text })).text);
}

export function checkEcho(told: string, answer: string): void {
  if (answer !== told) {
    throw new Error(`wanted the ${told.length} characters back, found ${answer.length} characters`);
  }
}
