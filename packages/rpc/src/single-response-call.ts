import type { Message } from "@bufbuild/protobuf";
import type { Metadata } from "@connect-plugin/protocol";
import type { ConnectError } from "@connectrpc/connect";
import type { CallSetup } from "./call-setup.js";
import { ClientCall } from "./client-call.js";
import type { ClientMethod } from "./client-method.js";
import { NO_METADATA } from "./metadata.js";

/** Takes the one response. Must not throw. */
export type TakeResponse = (message: Message, header: Metadata, trailer: Metadata) => void;

/** A call with one response: unary, or with a stream of requests. */
export class SingleResponseCall extends ClientCall {
  private readonly resolve: TakeResponse;
  private readonly reject: (error: ConnectError) => void;
  private responseHeader: Metadata = NO_METADATA;
  private response: Message | undefined = undefined;

  constructor(
    method: ClientMethod,
    setup: CallSetup,
    resolve: TakeResponse,
    reject: (error: ConnectError) => void,
  ) {
    super(method, setup);
    this.resolve = resolve;
    this.reject = reject;
  }

  protected get consumerWaits(): boolean {
    return true;
  }

  protected headed(header: Metadata): void {
    this.responseHeader = header;
  }

  protected received(message: Message): void {
    if (this.response === undefined) this.response = message;
    else this.abandonMismatch("more than one came");
  }

  protected mismatch(): string | undefined {
    return this.response === undefined ? "none came" : undefined;
  }

  protected completed(trailer: Metadata): void {
    if (this.response !== undefined) this.resolve(this.response, this.responseHeader, trailer);
  }

  protected failed(error: ConnectError): void {
    this.reject(error);
  }
}
