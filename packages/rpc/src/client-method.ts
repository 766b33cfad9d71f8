import type { DescMethod } from "@bufbuild/protobuf";
import type { CallHandler, Metadata } from "@connect-plugin/protocol";
import type { ParentCall } from "./call-context.js";
import { compiledCodec } from "./compiled-codec.js";
import type { MessageCodec } from "./message-codec.js";
import {
  checkMaxMessageBytes,
  createMessageReader,
  type Inflate,
  type MessageReader,
  type ReadingOptions,
} from "./message-reader.js";
import { checkMetadata, NO_METADATA } from "./metadata.js";
import { isUnary } from "./method-kind.js";
import { deadlines, type TimerWheel } from "./timer-wheel.js";

/** How calls are made. */
export interface CallerOptions {
  /** Deadline of calls that name none, in ms; 0 for none. Default: 30,000 for unary calls, none for streams. */
  readonly defaultTimeoutMs?: number | undefined;
  /** Default: `compiledCodec`. */
  readonly codec?: MessageCodec | undefined;
  /** The plugin that is to answer, where it matters. Default: whoever offers the service. */
  readonly target?: string | undefined;
  /** Id of the grant under which calls are made, asked for at each call. Default: none. */
  readonly grant?: (() => string | undefined | Promise<string | undefined>) | undefined;
  /** The call that is being handled right now, if any. Default: none. */
  readonly parent?: (() => ParentCall | undefined) | undefined;
  /** Added to the header of every call. Default: none. */
  readonly header?: Metadata | undefined;
  /** Reads compressed messages. Default: providers are told not to send any. */
  readonly inflate?: Inflate | undefined;
  /** Of an encoded response message, in bytes. Default 16 MiB. */
  readonly maxMessageBytes?: number | undefined;
  /**
   * Whether callers are given unencoded messages of a provider in this process as they are, not a copy. Default false.
   */
  readonly share?: boolean | undefined;
}

/** A method that is called, with all that can be prepared before it is. */
export interface ClientMethod {
  readonly desc: DescMethod;
  readonly service: string;
  readonly calls: CallHandler;
  readonly codec: MessageCodec;
  readonly reader: MessageReader;
  readonly timers: TimerWheel;
  /** 0 for none. */
  readonly defaultTimeoutMs: number;
  readonly header: Metadata;
  readonly acceptGzip: boolean;
  readonly target: string | undefined;
  readonly grant: CallerOptions["grant"];
  readonly parent: CallerOptions["parent"];
}

const DEFAULT_UNARY_TIMEOUT_MS = 30_000;

/**
 * Prepares methods of one caller. Throws a `RangeError` for a timeout or limit that is none, and a `TypeError` for a
 * header that cannot be sent.
 */
export function createMethodPreparer(
  calls: CallHandler,
  options: CallerOptions,
): (desc: DescMethod) => ClientMethod {
  const { codec = compiledCodec, header = NO_METADATA, inflate, defaultTimeoutMs } = options;
  const reading: ReadingOptions = {
    codec,
    inflate,
    maxMessageBytes: checkMaxMessageBytes(options.maxMessageBytes),
    share: options.share ?? false,
  };
  if (defaultTimeoutMs !== undefined && !(defaultTimeoutMs >= 0)) {
    throw new RangeError(`defaultTimeoutMs must be 0 or more milliseconds, but is ${defaultTimeoutMs}.`);
  }
  const problem = checkMetadata(header, "caller");
  if (problem !== undefined) throw new TypeError(`The option header cannot be sent: ${problem.message}`);
  return (desc) => ({
    desc,
    service: desc.parent.typeName,
    calls,
    codec,
    reader: createMessageReader("response", desc.output, reading),
    timers: deadlines,
    defaultTimeoutMs: defaultTimeoutMs ?? (isUnary(desc) ? DEFAULT_UNARY_TIMEOUT_MS : 0),
    header,
    acceptGzip: inflate !== undefined,
    target: options.target,
    grant: options.grant,
    parent: options.parent,
  });
}
