import {
  type CallFailure,
  type CallHead,
  createFailure,
  type Piece,
  pieceCost,
  type RequestSink,
  type ResponseSink,
  TYPED_PIECE_COST,
} from "@connect-plugin/protocol";
import type { Message } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import type { CallContext, DeliveredCall } from "./call-context.js";
import { toConnectError, toFailure } from "./connect-failure.js";
import { CreditAccount } from "./credit-account.js";
import type { MessageCodec } from "./message-codec.js";
import { MessagePump } from "./message-pump.js";
import { MessageQueue } from "./message-queue.js";
import type { MessageParts } from "./message-reader.js";
import { checkMetadata } from "./metadata.js";
import { ServiceContext } from "./service-context.js";
import type { ServiceMethod } from "./service-method.js";
import { NOT_WAITING, type Timed, type TimerWheel } from "./timer-wheel.js";

/** What all calls of a service end share. */
export interface ServiceCallHost {
  readonly codec: MessageCodec;
  readonly timers: TimerWheel;
  readonly draining: AbortSignal | undefined;
  readonly run: (<T>(call: DeliveredCall, task: () => T) => T) | undefined;
  readonly onUnexpectedError: ((error: unknown, call: CallContext) => void) | undefined;
  /** The call is over and its handler is done. */
  finished(call: ServiceCall): void;
}

/**
 * - `receiving`: the handler has not been called: its one request is on its way
 * - `running`: the handler is at work
 * - `abandoned`: the call is over for the caller, but the handler is still at work
 * - `over`
 */
type State = "receiving" | "running" | "abandoned" | "over";

/** One call, on the side that answers it. */
export class ServiceCall implements RequestSink, Timed {
  readonly deadline: number;
  wheelTick = NOT_WAITING;
  wheelNext: Timed | undefined = undefined;
  wheelPrevious: Timed | undefined = undefined;
  /** Where the service end keeps it. */
  slot = -1;

  private state: State = "receiving";
  private request: Message | undefined = undefined;
  private parts: MessageParts | undefined = undefined;
  private context: ServiceContext | undefined = undefined;
  private account: CreditAccount | undefined = undefined;
  private requests: MessageQueue<Message> | undefined = undefined;
  private pump: MessagePump<unknown> | undefined = undefined;
  private headerSent = false;

  constructor(
    private readonly host: ServiceCallHost,
    private readonly method: ServiceMethod,
    private readonly head: CallHead,
    private readonly responses: ResponseSink,
  ) {
    this.deadline = head.deadline;
  }
}
