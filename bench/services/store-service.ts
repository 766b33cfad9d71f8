import type { Client, ServiceImpl } from "@connectrpc/connect";
import type { StoreService } from "../gen/bench/v1/store_pb.js";
import type { ReadStream } from "../harness/stream-load.js";

/** Two bytes of tag and length come on top: the message has 100. */
export const SMALL_MESSAGE_BYTES = 98;

export interface StreamOrder {
  readonly ms: number;
}

/** The same for connect-es and for a plugin. */
export function createStoreService(): ServiceImpl<typeof StoreService> {
  let sent = 0;
  return {
    async *read({ count, messageBytes }) {
      const data = new Uint8Array(messageBytes);
      for (let index = 0; index < count; index += 1) {
        sent += 1;
        yield { data };
      }
    },
    countSent: () => ({ messages: sent }),
    write: ({ data }) => ({ bytes: data.byteLength }),
  };
}

/** Reads streams of messages of 100 bytes. */
export function readSmallMessages(client: Client<typeof StoreService>): ReadStream {
  return (count) => client.read({ count, messageBytes: SMALL_MESSAGE_BYTES });
}
