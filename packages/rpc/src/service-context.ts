import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { CallChain, Caller, CallHead, Metadata } from "@connect-plugin/protocol";
import { type ContextValues, createContextValues } from "@connectrpc/connect";
import type { DeliveredCall } from "./call-context.js";
import { Cancellation } from "./cancellation.js";
import { NO_METADATA, toHeaders } from "./metadata.js";

/** Where nobody has proved who calls. */
const UNPROVEN: Caller = { kind: "external", name: "", runtimeId: "", claims: {} };

/** Never aborted. */
const notDraining = new AbortController().signal;

/** What a handler sees of its call. What costs something is made when it is asked for. */
export class ServiceContext extends Cancellation implements DeliveredCall {
  readonly service: DescService;
  readonly method: DescMethod;
  readonly deadline: number;
  readonly draining: AbortSignal;
  private readonly head: CallHead;
  private ownValues: ContextValues | undefined;
  private ownRequestHeader: Headers | undefined;
  private ownResponseHeader: Headers | undefined;
  private ownResponseTrailer: Headers | undefined;

  constructor(method: DescMethod, head: CallHead, draining: AbortSignal | undefined) {
    super();
    this.service = method.parent;
    this.method = method;
    this.head = head;
    this.deadline = head.deadline;
    this.draining = draining ?? notDraining;
  }

  get id(): number {
    return this.head.id ?? 0;
  }

  get caller(): Caller {
    return this.head.chain?.caller ?? UNPROVEN;
  }

  get onBehalfOf(): readonly Caller[] {
    const callers: Caller[] = [];
    for (let chain: CallChain | undefined = this.head.chain?.behind; chain; chain = chain.behind) {
      callers.push(chain.caller);
    }
    return callers;
  }

  get timeoutMs(): () => number | undefined {
    const { deadline } = this;
    return () => (deadline === Infinity ? undefined : Math.max(0, deadline - performance.now()));
  }

  get requestMethod(): string {
    return "POST";
  }

  get protocolName(): string {
    return "connect-plugin";
  }

  get url(): string {
    return callUrl(this.method);
  }

  get values(): ContextValues {
    this.ownValues ??= createContextValues();
    return this.ownValues;
  }

  get requestHeader(): Headers {
    this.ownRequestHeader ??= toHeaders(this.head.header);
    return this.ownRequestHeader;
  }

  get responseHeader(): Headers {
    this.ownResponseHeader ??= new Headers();
    return this.ownResponseHeader;
  }

  get responseTrailer(): Headers {
    this.ownResponseTrailer ??= new Headers();
    return this.ownResponseTrailer;
  }

  /** What the handler has put into the response header; undefined if nothing. */
  headerToSend(): Metadata | undefined {
    return this.ownResponseHeader === undefined ? undefined : [...this.ownResponseHeader];
  }

  trailerToSend(): Metadata {
    return this.ownResponseTrailer === undefined ? NO_METADATA : [...this.ownResponseTrailer];
  }

  /** An interceptor has the last word on what the handler sees. */
  replaceRequest(header: Headers, values: ContextValues): void {
    this.ownRequestHeader = header;
    this.ownValues = values;
  }
}

/** connect-es wants a URL; calls have none of their own. */
export function callUrl(method: DescMethod): string {
  return `connect-plugin://call/${method.parent.typeName}/${method.name}`;
}
