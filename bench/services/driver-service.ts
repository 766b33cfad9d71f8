import type { Client, ServiceImpl } from "@connectrpc/connect";
import type { DriverService } from "../gen/bench/v1/driver_pb.js";
import type { EchoService } from "../gen/bench/v1/echo_pb.js";
import type { StoreService } from "../gen/bench/v1/store_pb.js";
import { makeCallLoad } from "../harness/call-load.js";
import { createEchoCall } from "./echo-service.js";

export interface DriverNeeds {
  readonly echo: Client<typeof EchoService>;
  readonly store: Client<typeof StoreService>;
}

export function createDriverService({ echo, store }: DriverNeeds): ServiceImpl<typeof DriverService> {
  return {
    async driveEcho({ inFlight, milliseconds, bytes }) {
      const load = await makeCallLoad(createEchoCall(echo, bytes), { inFlight, ms: milliseconds });
      return {
        calls: load.calls,
        milliseconds: load.ms,
        p50Microseconds: load.p50Us,
        p99Microseconds: load.p99Us,
      };
    },
    async driveRead({ count, messageBytes, stallMs }) {
      const began = performance.now();
      let bytes = 0;
      for await (const { data } of store.read({ count, messageBytes })) {
        if (bytes === 0 && stallMs > 0) await sleep(stallMs);
        bytes += data.byteLength;
      }
      return { bytes, milliseconds: performance.now() - began };
    },
    async driveWrite({ messageBytes, milliseconds }) {
      const data = new Uint8Array(messageBytes);
      const until = performance.now() + milliseconds;
      let messages = 0;
      do {
        const { bytes } = await store.write({ data });
        if (bytes !== messageBytes) throw new Error(`wanted ${messageBytes} bytes to arrive, found ${bytes}`);
        messages += 1;
      } while (performance.now() < until);
      return { messages };
    },
  };
}

async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
