import type { Message } from "@bufbuild/protobuf";
import type { Metadata } from "@connect-plugin/protocol";
import { ConnectError } from "@connectrpc/connect";
import type { CallSetup } from "./call-setup.js";
import { ClientCall } from "./client-call.js";
import type { ClientMethod } from "./client-method.js";
import { MessageQueue } from "./message-queue.js";
import { NO_METADATA, toHeaders } from "./metadata.js";

/** Who wants to know more of a stream than its messages. */
export interface StreamWatcher {
  /** Before the first message, or at the end of a stream that went well without any. */
  onHeader?(header: Headers): void;
  /** When the consumer comes to the end of a stream that went well. */
  onTrailer?(trailer: Headers): void;
  onFailure?(error: ConnectError): void;
}

/** A call with a stream of responses. Leaving the loop over them ends the call. */
export class StreamResponseCall extends ClientCall {
  private readonly queue: MessageQueue<Message>;
  private readonly watcher: StreamWatcher | undefined;
  private headerTold = false;

  constructor(method: ClientMethod, setup: CallSetup, watcher: StreamWatcher | undefined) {
    super(method, setup);
    this.watcher = watcher;
    const intake = this.openIntake();
    this.queue = new MessageQueue<Message>({
      taken: (cost) => intake.taken(cost, this.queue.empty),
      left: () => this.leave("its caller left the stream before its end"),
    });
  }

  get messages(): AsyncIterableIterator<Message, undefined, undefined> {
    return this.queue.messages;
  }

  protected get consumerWaits(): boolean {
    return this.queue.empty;
  }

  protected headed(header: Metadata): void {
    if (this.headerTold) return;
    this.headerTold = true;
    this.tell(() => this.watcher?.onHeader?.(toHeaders(header)));
  }

  protected received(message: Message, cost: number): void {
    if (!this.headerTold) this.headed(NO_METADATA);
    this.queue.push(message, cost);
  }

  protected mismatch(): undefined {}

  protected completed(trailer: Metadata): void {
    if (!this.headerTold) this.headed(NO_METADATA);
    const { watcher } = this;
    if (watcher?.onTrailer === undefined) {
      this.queue.end();
      return;
    }
    this.queue.end(() => {
      try {
        watcher.onTrailer?.(toHeaders(trailer));
      } catch (error) {
        throw ConnectError.from(error);
      }
    });
  }

  protected failed(error: ConnectError): void {
    this.queue.fail(error);
    this.watcher?.onFailure?.(error);
  }

  /** Runs a callback of the caller's. */
  private tell(callback: () => void): void {
    if (this.watcher === undefined) return;
    try {
      callback();
    } catch (error) {
      this.failLocally(error);
    }
  }
}
