import {
  type CallChain,
  type Caller,
  type CallFailure,
  type CallHandler,
  type CallHead,
  type Connection,
  createFailure,
  type RequestSink,
  type ResponseSink,
} from "@connect-plugin/protocol";

/** Who a test calls as; what is left out is that of an ordinary plugin. */
export type TestCaller = Partial<Caller>;

/** The test host's part of the call tree: it gives calls their ids and believes only parents that are in flight. */
export interface TestCalls {
  /** Calls to the plugin under test, made by somebody for somebody. */
  deliver(plugin: Connection, chain: CallChain): CallHandler;
  /** What a call of the plugin under test becomes on its way to a provider, or why it is refused. */
  onward(head: CallHead, caller: Caller): { readonly head: CallHead } | { readonly failure: CallFailure };
}

interface InFlight {
  readonly chain: CallChain;
  readonly deadline: number;
}

export function createTestCalls(): TestCalls {
  const inFlight = new Map<number, InFlight>();
  let lastId = 0;

  return {
    deliver: (plugin, chain) => ({
      start(head, responses) {
        const id = ++lastId;
        inFlight.set(id, { chain, deadline: head.deadline });
        const over = () => inFlight.delete(id);
        return watchRequests(plugin.start({ ...head, id, chain }, watchResponses(responses, over)), over);
      },
    }),
    onward(head, caller) {
      const parent = head.parent === undefined ? undefined : inFlight.get(head.parent);
      if (head.parent !== undefined && parent === undefined) {
        const message = `Call ${head.parent} is not in flight to plugin "${caller.name}", so no call can be made for it.`;
        return { failure: createFailure("PARENT_NOT_IN_FLIGHT", message) };
      }
      const chain = createChain(caller, parent?.chain);
      const deadline = Math.min(head.deadline, parent?.deadline ?? Number.POSITIVE_INFINITY);
      return { head: { ...head, id: ++lastId, chain, deadline } };
    },
  };
}

/** @param callers nearest first */
export function createTestChain(callers: readonly TestCaller[]): CallChain | undefined {
  let chain: CallChain | undefined;
  for (const caller of [...callers].reverse()) chain = createChain(completeCaller(caller), chain);
  return chain;
}

function createChain(caller: Caller, behind: CallChain | undefined): CallChain {
  return { caller, behind, depth: (behind?.depth ?? 0) + 1 };
}

function completeCaller(caller: TestCaller): Caller {
  const name = caller.name ?? "test";
  return {
    kind: caller.kind ?? "plugin",
    name,
    runtimeId: caller.runtimeId ?? `${name}-00000000`,
    claims: caller.claims ?? {},
  };
}

function watchResponses(responses: ResponseSink, over: () => void): ResponseSink {
  return {
    header: (header) => responses.header(header),
    message: (piece) => responses.message(piece),
    credit: (bytes) => responses.credit(bytes),
    end(trailer, failure) {
      over();
      responses.end(trailer, failure);
    },
  };
}

function watchRequests(requests: RequestSink, over: () => void): RequestSink {
  return {
    message: (piece, last) => requests.message(piece, last),
    end: () => requests.end(),
    credit: (bytes) => requests.credit(bytes),
    cancel(failure) {
      over();
      requests.cancel(failure);
    },
  };
}
