import type {
  CallChain,
  CallFailure,
  CallHandler,
  CallHead,
  Metadata,
  Piece,
  RequestSink,
  ResponseSink,
} from "@connect-plugin/protocol";
import {
  type CallObservation,
  ignoredRequests,
  NOT_WAITING,
  type Timed,
  type TimerWheel,
} from "@connect-plugin/rpc";
import type { Lease } from "../registry/record.js";
import { type Kin, leaveParent, takeChildren } from "./call-family.js";
import {
  deadlineExceeded,
  nameProvider,
  type Provider,
  providerThrew,
  responseInvalid,
} from "./provider-failure.js";
import { parentCancelled } from "./refusals.js";
import type { MetadataFilter } from "./reserved-metadata.js";
import type { ServiceRoute } from "./service-route.js";
import type { TrafficEdge } from "./traffic.js";
import type { Way } from "./way-finder.js";

/** What all calls of a router share. */
export interface CallGround {
  /** By the host's id of the call. */
  readonly inFlight: Map<number, RoutedCall>;
  readonly wheel: TimerWheel;
  readonly metadata: MetadataFilter;
  now(): number;
}

/** What is known of one caller, however many calls it makes. */
export interface CallerBook {
  inFlight: number;
  ended: boolean;
}

type Phase =
  /** The provider is being given the call. */
  "opening" | "open" | "over";

/**
 * A call on its way through the host: the provider's sink for responses. It passes pieces on without looking at them,
 * and keeps the books: lease, deadline, family, traffic.
 *
 * It ends exactly once, whoever comes first: the provider, the caller, the deadline, the end of a parent or of the
 * caller itself. From then on both its sinks lead nowhere.
 */
export class RoutedCall implements ResponseSink, Timed, Kin<RoutedCall> {
  readonly id: number;
  readonly deadline: number;
  readonly chain: CallChain;
  readonly book: CallerBook;
  provider: Provider;
  wheelTick = NOT_WAITING;
  wheelNext: Timed | undefined = undefined;
  wheelPrevious: Timed | undefined = undefined;
  kinParent: RoutedCall | undefined = undefined;
  kinFirstChild: RoutedCall | undefined = undefined;
  kinNext: RoutedCall | undefined = undefined;
  kinPrevious: RoutedCall | undefined = undefined;
  private readonly ground: CallGround;
  private readonly head: CallHead;
  private readonly startedAt: number;
  private readonly observation: CallObservation | undefined;
  private readonly route: ServiceRoute | undefined;
  private edge: TrafficEdge;
  private lease: Lease | undefined;
  private phase: Phase = "opening";
  private responses: ResponseSink;
  private requests: RequestSink = ignoredRequests;
  /** Whether any part of the request has been given away: then the call is never repeated. */
  private passed = false;
  private repeated = false;
  /** Said by the provider's connection while the call was opening. */
  private undelivered: CallFailure | undefined = undefined;
  /** Why the host or the caller ended it. */
  private stopped: CallFailure | undefined = undefined;

  constructor(
    ground: CallGround,
    book: CallerBook,
    /** As the provider gets it. */
    head: CallHead,
    id: number,
    chain: CallChain,
    startedAt: number,
    responses: ResponseSink,
    way: Way,
    observation: CallObservation | undefined,
  ) {
    this.ground = ground;
    this.book = book;
    this.head = head;
    this.id = id;
    this.chain = chain;
    this.deadline = head.deadline;
    this.startedAt = startedAt;
    this.responses = responses;
    this.provider = way.provider;
    this.edge = way.method.edge;
    this.lease = way.lease;
    this.route = way.route;
    this.observation = observation;
    book.inFlight++;
    ground.inFlight.set(id, this);
    ground.wheel.add(this);
  }

  /** Gives the call to a provider. */
  open(handler: CallHandler): void {
    let requests: RequestSink;
    try {
      requests = handler.start(this.head, this);
    } catch {
      this.end([], providerThrew(this.provider));
      return;
    }
    if (this.phase === "over") {
      if (this.stopped !== undefined) requests.cancel(this.stopped);
      return;
    }
    const { undelivered } = this;
    if (undelivered !== undefined) {
      this.undelivered = undefined;
      this.repeat(undelivered);
      return;
    }
    this.phase = "open";
    this.requests = requests;
  }

  // The caller's requests.

  passMessage(piece: Piece, last: boolean): void {
    this.passed = true;
    this.requests.message(piece, last);
  }

  passEnd(): void {
    this.passed = true;
    this.requests.end();
  }

  passCredit(bytes: number): void {
    this.requests.credit(bytes);
  }

  /** The caller wants no answer any more. */
  cancel(failure: CallFailure): void {
    this.stop(failure);
  }

  // The provider's responses.

  header(header: Metadata): void {
    if (header.length === 0) {
      this.responses.header(header);
      return;
    }
    const clean = this.ground.metadata.clean(header);
    if (clean.kind === "clean") this.responses.header(clean.metadata);
    else this.abandon(responseInvalid(clean.failure.message, this.provider));
  }

  message(piece: Piece): void {
    this.responses.message(piece);
  }

  credit(bytes: number): void {
    this.responses.credit(bytes);
  }

  end(trailer: Metadata, failure: CallFailure | undefined): void {
    if (this.phase === "over") return;
    if (failure?.notDelivered && this.mayRepeat()) {
      if (this.phase === "opening") this.undelivered = failure;
      else this.repeat(failure);
      return;
    }
    this.finish(trailer, failure);
  }

  /** Its deadline has passed. */
  expire(): void {
    this.abandon(deadlineExceeded(this.head.service, this.head.method, this.provider));
  }

  /** Ends it for both sides. */
  abandon(failure: CallFailure): void {
    const { responses } = this;
    if (this.stop(failure)) responses.end([], failure);
  }

  private finish(trailer: Metadata, failure: CallFailure | undefined): void {
    const { responses } = this;
    const outcome = failure === undefined ? undefined : this.blame(failure);
    const clean = trailer.length === 0 ? undefined : this.ground.metadata.clean(trailer);
    const told = clean?.kind === "failure" ? responseInvalid(clean.failure.message, this.provider) : outcome;
    // Calls that were made for this one go on: its handler may have left them running on purpose.
    if (this.kinFirstChild !== undefined) takeChildren<RoutedCall>(this);
    this.settle(told);
    responses.end(clean?.kind === "clean" ? clean.metadata : [], told);
  }

  private blame(failure: CallFailure): CallFailure {
    const named = nameProvider(failure, this.provider);
    if (named.metadata.length === 0) return named;
    const clean = this.ground.metadata.clean(named.metadata);
    return { ...named, metadata: clean.kind === "clean" ? clean.metadata : [] };
  }

  private stop(failure: CallFailure): boolean {
    if (this.phase === "over") return false;
    const { requests } = this;
    const children = this.kinFirstChild === undefined ? [] : takeChildren<RoutedCall>(this);
    this.stopped = failure;
    this.settle(failure);
    requests.cancel(failure);
    for (const child of children) child.abandon(parentCancelled(this.id, failure));
    return true;
  }

  /** Everything that the call holds is given back before anybody is told, who might make the next call at once. */
  private settle(failure: CallFailure | undefined): void {
    const { ground } = this;
    this.phase = "over";
    this.requests = ignoredRequests;
    this.responses = nobody;
    ground.wheel.remove(this);
    ground.inFlight.delete(this.id);
    leaveParent<RoutedCall>(this);
    this.book.inFlight--;
    this.lease?.release();
    this.lease = undefined;
    this.edge.ended(ground.now() - this.startedAt, failure);
    this.observation?.end({ failure });
  }

  private mayRepeat(): boolean {
    return this.lease !== undefined && !this.passed && !this.repeated;
  }

  /** The provider cannot have seen the call, so another instance of the same plugin may have it instead. */
  private repeat(failure: CallFailure): void {
    this.repeated = true;
    const failed = this.lease?.record;
    const other = failed === undefined ? undefined : this.route?.another(failed, this.head.method);
    if (other === undefined) {
      this.finish([], failure);
      return;
    }
    this.lease?.release();
    this.lease = other.lease;
    this.provider = other.lease.record;
    this.edge = other.method.edge;
    this.phase = "opening";
    this.open(other.lease.connection);
  }
}

/** The caller's sink for the requests of a call. */
export class RoutedRequests implements RequestSink {
  private readonly call: RoutedCall;

  constructor(call: RoutedCall) {
    this.call = call;
  }

  message(piece: Piece, last: boolean): void {
    this.call.passMessage(piece, last);
  }

  end(): void {
    this.call.passEnd();
  }

  cancel(failure: CallFailure): void {
    this.call.cancel(failure);
  }

  credit(bytes: number): void {
    this.call.passCredit(bytes);
  }
}

function ignore(): void {}

const nobody: ResponseSink = { header: ignore, message: ignore, end: ignore, credit: ignore };
