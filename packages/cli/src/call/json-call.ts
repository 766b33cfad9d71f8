import {
  type CallFailure,
  type CallHandler,
  type CallHead,
  createFailure,
  INITIAL_CREDIT,
  type Metadata,
  type Piece,
  pieceCost,
} from "@connect-plugin/protocol";

/** A call whose messages are JSON text: nobody between here and the provider needs to know the types. */
export interface JsonCall {
  readonly service: string;
  readonly method: string;
  readonly kind: CallHead["kind"];
  readonly header: Metadata;
  /** On the `performance.now()` clock; `Infinity` for none. */
  readonly deadline: number;
  /** The plugin that is to answer; undefined leaves it to the host. */
  readonly plugin: string | undefined;
  readonly requests: AsyncIterable<string> | Iterable<string>;
  /** Ends the call. */
  readonly signal: AbortSignal;
}

export interface JsonReceiver {
  header(header: Metadata): void;
  /** One response message as JSON text. Waited for: the next one is taken only then. */
  message(json: string): Promise<void> | void;
}

/** How it ended. */
export interface JsonCallEnd {
  readonly trailer: Metadata;
  readonly failure: CallFailure | undefined;
}

/**
 * Makes the call; settles when it is over. Rejects only if the source of requests or the receiver fails, and then the
 * call is ended; what the provider did is never a rejection.
 */
export async function callJson(
  calls: CallHandler,
  call: JsonCall,
  receiver: JsonReceiver,
): Promise<JsonCallEnd> {
  let end: (how: JsonCallEnd) => void = () => {};
  let giveUp: (error: unknown) => void = () => {};
  const ended = new Promise<JsonCallEnd>((resolve, reject) => {
    end = resolve;
    giveUp = reject;
  });
  const fail = (error: unknown) => {
    giveUp(error);
    cancel();
  };
  let over = false;
  let credit = INITIAL_CREDIT;
  let creditCame: () => void = () => {};
  const decoder = new TextDecoder();
  let partial: Uint8Array[] = [];
  let delivered: Promise<void> = Promise.resolve();

  const requests = calls.start(headOf(call), {
    header: (header) => receiver.header(header),
    message(piece) {
      if (piece.form !== "bytes") throw new TypeError("an operator's connection carries bytes only");
      partial.push(new Uint8Array(piece.bytes));
      if (piece.more) {
        requests.credit(pieceCost(piece));
        return;
      }
      const json = decoder.decode(Buffer.concat(partial));
      const cost = pieceCost(piece);
      partial = [];
      delivered = delivered.then(() => receiver.message(json)).then(() => requests.credit(cost));
      delivered.catch(fail);
    },
    end(trailer, failure) {
      over = true;
      creditCame();
      end({ trailer, failure });
    },
    credit(bytes) {
      credit += bytes;
      creditCame();
    },
  });
  const cancel = () => {
    if (over) return;
    over = true;
    const failure = createFailure(
      "CANCELLED",
      `the call of ${call.service}/${call.method} was ended here before it was answered`,
    );
    requests.cancel(failure);
    creditCame();
    end({ trailer: [], failure });
  };
  call.signal.addEventListener("abort", cancel, { once: true });
  if (call.signal.aborted) cancel();
  // Not waited for: it may be waiting for input that nobody wants any more.
  giveRequests().catch(fail);
  try {
    const outcome = await ended;
    await delivered;
    return outcome;
  } finally {
    call.signal.removeEventListener("abort", cancel);
  }

  async function giveRequests(): Promise<void> {
    const single = call.kind === "unary" || call.kind === "server_streaming";
    for await (const json of call.requests) {
      if (over) return;
      const piece: Piece = { form: "bytes", bytes: new TextEncoder().encode(json), more: false, gzip: false };
      credit -= pieceCost(piece);
      requests.message(piece, single);
      if (single) return;
      while (credit <= 0 && !over) {
        await new Promise<void>((resolve) => {
          creditCame = resolve;
        });
      }
    }
    if (!over) requests.end();
  }
}

function headOf(call: JsonCall): CallHead {
  return {
    service: call.service,
    method: call.method,
    kind: call.kind,
    codec: "json",
    acceptGzip: false,
    header: call.header,
    deadline: call.deadline,
    parent: undefined,
    target: call.plugin,
    grant: undefined,
    id: undefined,
    chain: undefined,
  };
}
