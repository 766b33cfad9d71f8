import { create } from "@bufbuild/protobuf";
import { Int32ValueSchema, StringValueSchema } from "@bufbuild/protobuf/wkt";
import { type Caller, createFailure, type Piece } from "@connect-plugin/protocol";
import {
  Code,
  ConnectError,
  createContextKey,
  type HandlerContext,
  type ServiceImpl,
} from "@connectrpc/connect";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { CallContext, Implementation } from "./call-context.js";
import { failureError } from "./connect-failure.js";
import { EchoService, echo } from "./fixtures/echo-service.js";
import { echoHead, recordCall } from "./fixtures/recorded-call.js";
import { createServiceClient } from "./service-client.js";
import { createServiceEnd, type ServiceEndOptions } from "./service-end.js";

afterEach(() => {
  vi.useRealTimers();
});

function serve(changes: Partial<Implementation<typeof EchoService>> = {}, options: ServiceEndOptions = {}) {
  const implementation = { ...echo, ...changes };
  return createServiceEnd({ services: [{ desc: EchoService, implementation }], ...options });
}

function typed(value: string): Piece {
  return { form: "message", desc: StringValueSchema, message: create(StringValueSchema, { value }) };
}

const never = new Promise<never>(() => {});

describe("a handler", () => {
  const caller: Caller = { kind: "plugin", name: "a", runtimeId: "a-1", claims: { team: "x" } };
  const origin: Caller = { kind: "external", name: "web", runtimeId: "", claims: {} };

  test("sees its call", async () => {
    let seen: CallContext | undefined;
    const end = createServiceEnd({
      services: [
        {
          desc: EchoService,
          implementation: {
            ...echo,
            say: (_: unknown, call: CallContext) => {
              seen = call;
              return {};
            },
          },
        },
      ],
    });
    const deadline = performance.now() + 5_000;
    const head = echoHead("Say", {
      id: 7,
      deadline,
      header: [["x-a", "1"]],
      chain: { caller, behind: { caller: origin, behind: undefined, depth: 1 }, depth: 2 },
    });
    recordCall(end, head).requests.message(typed("x"), true);
    expect(seen).toMatchObject({ id: 7, caller, onBehalfOf: [origin], deadline });
    expect(seen?.service).toBe(EchoService);
    expect(seen?.method).toBe(EchoService.method.say);
    expect(seen?.requestHeader.get("x-a")).toBe("1");
    expect(seen?.timeoutMs()).toBeGreaterThan(4_000);
    expect(seen?.url).toBe("connect-plugin://call/test.v1.EchoService/Say");
    expect(seen?.requestMethod).toBe("POST");
    expect(seen?.protocolName).toBe("connect-plugin");
    expect(seen?.draining.aborted).toBe(false);
    expect(seen?.signal.aborted).toBe(true);
  });

  test("that nobody has vouched for sees an external caller", () => {
    const end = serve({
      say: (_, call) => {
        const { id, caller, onBehalfOf } = call as CallContext;
        return { value: `${id} ${caller.kind} ${onBehalfOf.length} ${call.timeoutMs()}` };
      },
    });
    const { requests, events } = recordCall(end, echoHead("Say"));
    requests.message(typed("x"), true);
    expect(events[0]).toEqual({ message: "0 external 0 undefined" });
  });

  test("of connect-es runs unchanged", async () => {
    const key = createContextKey("nothing");
    class Legacy implements ServiceImpl<typeof EchoService> {
      private readonly prefix = "legacy ";
      say(request: { value: string }, context: HandlerContext) {
        context.values.set(key, this.prefix);
        context.responseHeader.set("x-values", context.values.get(key).trim());
        return { value: this.prefix + request.value };
      }
      blob = echo.blob as ServiceImpl<typeof EchoService>["blob"];
      count = echo.count as ServiceImpl<typeof EchoService>["count"];
      sum = echo.sum as ServiceImpl<typeof EchoService>["sum"];
      chat = echo.chat as ServiceImpl<typeof EchoService>["chat"];
    }
    const end = createServiceEnd({ services: [{ desc: EchoService, implementation: new Legacy() }] });
    const client = createServiceClient(EchoService, end);
    let header: Headers | undefined;
    const reply = await client.say({ value: "x" }, { onHeader: (fields) => (header = fields) });
    expect(reply.value).toBe("legacy x");
    expect(header?.get("x-values")).toBe("legacy");
  });

  test("that throws one of our failures passes it on, but not that it was not delivered", async () => {
    const end = serve({
      say: () => {
        throw failureError("NO_PROVIDER", "Nobody offers audit.v1.Audit.", { notDelivered: true });
      },
    });
    const { requests, ended } = recordCall(end, echoHead("Say"));
    requests.message(typed("x"), true);
    expect(await ended).toEqual(createFailure("NO_PROVIDER", "Nobody offers audit.v1.Audit."));
  });

  test.each(["at once", "later"])("that fails unexpectedly %s tells only its own side why", async (when) => {
    const onUnexpectedError = vi.fn();
    const error = new Error("password is hunter2");
    const say = (): { value: string } => {
      throw error;
    };
    const end = serve({ say: when === "later" ? async () => say() : say }, { onUnexpectedError });
    const { requests, ended, events } = recordCall(end, echoHead("Say"));
    requests.message(typed("x"), true);
    expect(await ended).toEqual(
      createFailure(
        "HANDLER_FAILED",
        "The handler of test.v1.EchoService/Say failed unexpectedly. The log of its plugin says how.",
        { facts: { service: "test.v1.EchoService", method: "Say" } },
      ),
    );
    expect(JSON.stringify(events)).not.toContain("hunter2");
    expect(onUnexpectedError).toHaveBeenCalledExactlyOnceWith(error, expect.objectContaining({ id: 0 }));
    expect(end.active).toBe(0);
  });

  test("that returns a thenable which settles twice has answered once", () => {
    const twice = {
      // biome-ignore lint/suspicious/noThenProperty: this is what is tested
      then(resolve: (value: object) => void, reject: (error: unknown) => void) {
        resolve({ value: "once" });
        resolve({ value: "twice" });
        reject(new Error("thrice"));
      },
    };
    const onUnexpectedError = vi.fn();
    const end = serve({ say: () => twice as unknown as Promise<{ value: string }> }, { onUnexpectedError });
    const { requests, events } = recordCall(end, echoHead("Say"));
    requests.message(typed("x"), true);
    expect(events).toEqual([{ message: "once" }, { end: "well", trailer: [] }]);
    expect(end.active).toBe(0);
    expect(onUnexpectedError).not.toHaveBeenCalled();
  });

  test("that returns no stream where one is due has failed", async () => {
    const onUnexpectedError = vi.fn();
    const end = serve({ count: (() => 7) as unknown as (typeof echo)["count"] }, { onUnexpectedError });
    const { requests, ended } = recordCall(end, echoHead("Count"));
    requests.message({ form: "message", desc: Int32ValueSchema, message: create(Int32ValueSchema) }, true);
    expect(await ended).toMatchObject({ info: { reason: "HANDLER_FAILED" } });
    expect(onUnexpectedError).toHaveBeenCalledOnce();
  });

  test("that sets a header that cannot be sent has failed", async () => {
    const end = serve({
      say: (_, call) => {
        call.responseTrailer.set("x", "ü");
        return {};
      },
    });
    const { requests, ended } = recordCall(end, echoHead("Say"));
    requests.message(typed("x"), true);
    expect(await ended).toMatchObject({ info: { reason: "METADATA_INVALID", fault: "plugin" } });
  });

  test("that fails still sends its trailer", async () => {
    const end = serve({
      say: (_, call) => {
        call.responseTrailer.set("x", "1");
        throw new ConnectError("no", Code.Aborted);
      },
    });
    const { requests, events } = recordCall(end, echoHead("Say"));
    requests.message(typed("x"), true);
    expect(events).toMatchObject([{ end: { code: 10, message: "no" }, trailer: [["x", "1"]] }]);
  });

  test("runs, step by step, where its owner wants it to", async () => {
    const inside: string[] = [];
    let depth = 0;
    const end = createServiceEnd({
      services: [
        {
          desc: EchoService,
          implementation: {
            ...echo,
            async *count() {
              inside.push(`first ${depth}`);
              yield { value: 1 };
              inside.push(`second ${depth}`);
            },
          },
        },
      ],
      run(call, task) {
        expect(call.id).toBe(3);
        depth += 1;
        try {
          return task();
        } finally {
          depth -= 1;
        }
      },
    });
    const { requests, ended } = recordCall(end, echoHead("Count", { id: 3 }));
    requests.message({ form: "message", desc: Int32ValueSchema, message: create(Int32ValueSchema) }, true);
    expect(await ended).toBe("well");
    expect(inside).toEqual(["first 1", "second 1"]);
  });
});

describe("endings:", () => {
  test("a cancelled call is told to its handler, and nothing more to its caller", async () => {
    let call: HandlerContext | undefined;
    let finish = (_: { value: string }) => {};
    const end = serve({
      say: (_, context) => {
        call = context;
        return new Promise((resolve) => {
          finish = resolve;
        });
      },
    });
    const { requests, events } = recordCall(end, echoHead("Say"));
    requests.message(typed("x"), true);
    const { signal } = call!;
    expect(signal.aborted).toBe(false);
    requests.cancel(createFailure("CANCELLED", "Not wanted any more."));
    requests.cancel(createFailure("CANCELLED", "Again."));
    expect(signal.reason).toMatchObject({ code: Code.Canceled, rawMessage: "Not wanted any more." });
    expect(end.active).toBe(1);
    finish({ value: "late" });
    await end.idle();
    expect(events).toEqual([]);
    expect(end.active).toBe(0);
  });

  test("a call that is cancelled before its request never reaches its handler", () => {
    const say = vi.fn();
    const end = serve({ say });
    const { requests, events } = recordCall(end, echoHead("Say"));
    requests.cancel(createFailure("CANCELLED", "Never mind."));
    requests.message(typed("x"), true);
    requests.end();
    expect(say).not.toHaveBeenCalled();
    expect(events).toEqual([]);
    expect(end.active).toBe(0);
  });

  test("a deadline ends the call, and its handler is told", async () => {
    vi.useFakeTimers();
    let aborted: unknown;
    const end = serve({
      say: (_, call) => {
        call.signal.addEventListener("abort", () => {
          aborted = call.signal.reason;
        });
        return never;
      },
    });
    const { requests, events } = recordCall(end, echoHead("Say", { deadline: performance.now() + 50 }));
    requests.message(typed("x"), true);
    await vi.advanceTimersByTimeAsync(40);
    expect(events).toEqual([]);
    await vi.advanceTimersByTimeAsync(20);
    expect(events).toMatchObject([
      {
        end: {
          code: 4,
          message: "test.v1.EchoService/Say was not answered before its deadline.",
          info: { reason: "DEADLINE_EXCEEDED" },
        },
        trailer: [],
      },
    ]);
    expect(aborted).toMatchObject({ code: Code.DeadlineExceeded });
  });

  test("an answered call leaves no timer of its own", async () => {
    vi.useFakeTimers();
    const { requests, events } = recordCall(serve(), echoHead("Say", { deadline: performance.now() + 50 }));
    requests.message(typed("x"), true);
    await vi.advanceTimersByTimeAsync(100);
    expect(events).toEqual([{ message: "x" }, { end: "well", trailer: [] }]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("all calls can be ended at once", async () => {
    const replaced = createFailure("PROVIDER_REPLACED", "A new one has taken over.");
    const end = serve({ say: () => never });
    const calls = [echoHead("Say"), echoHead("Chat"), echoHead("Sum")].map((head) => recordCall(end, head));
    calls[0]?.requests.message(typed("x"), true);
    expect(end.active).toBe(3);
    end.cancelAll(replaced);
    for (const { ended } of calls) expect(await ended).toEqual(replaced);
    await vi.waitFor(() => expect(end.active).toBe(1));
  });

  test("a stream whose caller has gone is left, even while it waits", async () => {
    const cleanup = vi.fn();
    const end = serve({
      async *chat(requests) {
        try {
          for await (const _ of requests) yield {};
        } finally {
          cleanup();
        }
      },
    });
    const { requests, events } = recordCall(end, echoHead("Chat"));
    requests.message(typed("x"), false);
    await vi.waitFor(() => expect(events).toHaveLength(1));
    requests.cancel(createFailure("CANCELLED", "Gone."));
    await end.idle();
    expect(cleanup).toHaveBeenCalledOnce();
    expect(events).toHaveLength(1);
  });

  test("idle waits for handlers", async () => {
    let finish = () => {};
    const end = serve({
      say: () =>
        new Promise((resolve) => {
          finish = () => resolve({ value: "" });
        }),
    });
    await end.idle();
    recordCall(end, echoHead("Say")).requests.message(typed("x"), true);
    const order: string[] = [];
    const idle = end.idle().then(() => order.push("idle"));
    await Promise.resolve();
    order.push("finish");
    finish();
    await idle;
    expect(order).toEqual(["finish", "idle"]);
  });
});
