export interface StreamLoad {
  readonly messages: number;
  readonly ms: number;
}

export type ReadStream = (count: number) => AsyncIterable<unknown>;

/**
 * Reads one stream for about so long. How many messages that takes is told by the run before, so that every run reads
 * its stream to the end.
 */
export function createStreamLoad(read: ReadStream): (ms: number) => Promise<StreamLoad> {
  let messagesPerMs: number | undefined;
  const measure = async (count: number): Promise<StreamLoad> => {
    const began = performance.now();
    let messages = 0;
    for await (const _ of read(count)) messages += 1;
    const ms = performance.now() - began;
    if (messages !== count) throw new Error(`wanted ${count} messages of the stream, found ${messages}`);
    messagesPerMs = messages / ms;
    return { messages, ms };
  };
  return async (ms) => {
    if (messagesPerMs === undefined) await measure(2_000);
    return await measure(Math.max(1_000, Math.ceil(messagesPerMs! * ms)));
  };
}

export function messagesPerSecond(load: StreamLoad): number {
  return load.messages / (load.ms / 1000);
}
