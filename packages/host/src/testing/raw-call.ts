import {
  type CallFailure,
  type CallHandler,
  type CallHead,
  INITIAL_CREDIT,
  type Metadata,
  type MethodKind,
  type Piece,
  pieceCost,
  type RequestSink,
  type ResponseSink,
} from "@connect-plugin/protocol";

/** A call on bytes, without service descriptors: what a carrier of calls is tested with. */
export interface RawCall {
  readonly service: string;
  readonly method: string;
  readonly kind: MethodKind;
  readonly messages: readonly Uint8Array[];
}

export interface RawAnswer {
  readonly header: Metadata;
  readonly messages: readonly Uint8Array[];
  readonly trailer: Metadata;
  readonly failure: CallFailure | undefined;
}

/** Makes a call and waits for its end. */
export function callRaw(calls: CallHandler, call: RawCall): Promise<RawAnswer> {
  return new Promise((resolve) => {
    let header: Metadata = [];
    let sender: MessageSender | undefined;
    const inbox = new MessageInbox();
    const responses: ResponseSink = {
      header(fields) {
        header = fields;
      },
      message(piece) {
        inbox.add(piece);
        requests?.credit(pieceCost(piece));
      },
      end(trailer, failure) {
        resolve({ header, messages: inbox.messages, trailer, failure });
      },
      credit(bytes) {
        sender?.credit(bytes);
      },
    };
    const requests: RequestSink | undefined = calls.start(headOf(call), responses);
    sender = new MessageSender(
      call.messages,
      (piece, last) => requests.message(piece, last),
      () => {
        if (call.messages.length === 0) requests.end();
      },
    );
    sender.run();
  });
}

/** What answers a raw call: gets all request messages, gives all response messages. */
export type RawMethod = (messages: readonly Uint8Array[], head: CallHead) => Promise<readonly Uint8Array[]>;

/** Takes calls with plain functions by method name. An error becomes a failure with its message. */
export function createRawHandler(methods: Readonly<Record<string, RawMethod>>): CallHandler {
  return {
    start(head, responses) {
      const inbox = new MessageInbox();
      let sender: MessageSender | undefined;
      let over = false;

      async function answer(): Promise<void> {
        const method = methods[head.method];
        if (method === undefined) throw new Error(`no method ${head.method}`);
        const messages = await method(inbox.messages, head);
        responses.header([["x-answered", head.method]]);
        sender = new MessageSender(
          messages,
          (piece) => {
            if (!over) responses.message(piece);
          },
          () => finish(undefined),
        );
        sender.run();
      }

      function finish(failure: CallFailure | undefined): void {
        if (over) return;
        over = true;
        responses.end([["x-count", String(inbox.messages.length)]], failure);
      }

      function complete(): void {
        answer().catch((error: unknown) => finish(handlerError(error)));
      }

      return {
        message(piece, last) {
          inbox.add(piece);
          responses.credit(pieceCost(piece));
          if (last) complete();
        },
        end: complete,
        cancel() {
          over = true;
        },
        credit(bytes) {
          sender?.credit(bytes);
        },
      };
    },
  };
}

function handlerError(error: unknown): CallFailure {
  const message = error instanceof Error ? error.message : String(error);
  return { code: 13, message, info: undefined, details: [], metadata: [], notDelivered: false };
}

function headOf(call: RawCall): CallHead {
  return {
    service: call.service,
    method: call.method,
    kind: call.kind,
    codec: "proto",
    acceptGzip: false,
    header: [["x-test", "1"]],
    deadline: Number.POSITIVE_INFINITY,
    parent: undefined,
    target: undefined,
    grant: undefined,
    id: undefined,
    chain: undefined,
  };
}

/** Puts pieces together. */
class MessageInbox {
  readonly messages: Uint8Array[] = [];
  #parts: Uint8Array[] = [];

  add(piece: Piece): void {
    if (piece.form !== "bytes") throw new TypeError("wanted a piece of bytes, found a message");
    this.#parts.push(new Uint8Array(piece.bytes));
    if (piece.more) return;
    this.messages.push(Buffer.concat(this.#parts));
    this.#parts = [];
  }
}

const PIECE = 32_768;

/** Sends messages in pieces, as far as there is credit. */
class MessageSender {
  readonly #pieces: { readonly bytes: Uint8Array; readonly more: boolean }[];
  readonly #send: (piece: Piece, last: boolean) => void;
  readonly #done: () => void;
  #credit = INITIAL_CREDIT;
  #state: "idle" | "sending" | "done" = "idle";

  constructor(
    messages: readonly Uint8Array[],
    send: (piece: Piece, last: boolean) => void,
    done: () => void,
  ) {
    this.#pieces = messages.flatMap((bytes) => piecesOf(bytes));
    this.#send = send;
    this.#done = done;
  }

  credit(bytes: number): void {
    this.#credit += bytes;
    this.run();
  }

  run(): void {
    if (this.#state !== "idle") return;
    this.#state = "sending";
    while (this.#credit > 0) {
      const next = this.#pieces.shift();
      if (next === undefined) break;
      const piece: Piece = { form: "bytes", gzip: false, ...next };
      this.#credit -= pieceCost(piece);
      this.#send(piece, this.#pieces.length === 0);
    }
    if (this.#pieces.length > 0) {
      this.#state = "idle";
      return;
    }
    this.#state = "done";
    this.#done();
  }
}

function piecesOf(message: Uint8Array): { readonly bytes: Uint8Array; readonly more: boolean }[] {
  const pieces: { readonly bytes: Uint8Array; readonly more: boolean }[] = [];
  let at = 0;
  do {
    const bytes = message.slice(at, at + PIECE);
    at += PIECE;
    pieces.push({ bytes, more: at < message.byteLength });
  } while (at < message.byteLength);
  return pieces;
}
