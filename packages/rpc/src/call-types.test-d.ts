import type { Client, ServiceImpl } from "@connectrpc/connect";
import { expectTypeOf, test } from "vitest";
import type { CallContext, Implementation } from "./call-context.js";
import type { EchoService } from "./fixtures/echo-service.js";
import type { ServiceClient } from "./service-client.js";

test("our client is a connect-es client that takes more options", () => {
  expectTypeOf<ServiceClient<typeof EchoService>>().toExtend<Client<typeof EchoService>>();
  const client = {} as ServiceClient<typeof EchoService>;
  expectTypeOf(client.say).parameter(0).toExtend<{ value?: string }>();
  expectTypeOf(client.say).returns.resolves.toHaveProperty("value").toBeString();
  void (() => client.say({ value: "x" }, { detached: true, timeoutMs: 5 }));
  // @ts-expect-error there is no such field
  void (() => client.say({ text: "x" }));
  // @ts-expect-error a stream is wanted
  void (() => client.sum({ value: 1 }));
});

test("a connect-es implementation is one of ours", () => {
  expectTypeOf<ServiceImpl<typeof EchoService>>().toExtend<Implementation<typeof EchoService>>();
});

test("handlers see who calls", () => {
  const implementation: Pick<Implementation<typeof EchoService>, "say"> = {
    say: ({ value }, call) => {
      expectTypeOf(call).toEqualTypeOf<CallContext>();
      return { value: `${value}${call.caller.name}${call.onBehalfOf.length}` };
    },
  };
  expectTypeOf(implementation).not.toBeAny();
  const wrong: Pick<Implementation<typeof EchoService>, "say"> = {
    // @ts-expect-error no message of the response's type
    say: () => ({ value: 7 }),
  };
  expectTypeOf(wrong).not.toBeAny();
});
