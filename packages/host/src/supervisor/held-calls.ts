import {
  type CallFailure,
  type CallHandler,
  type CallHead,
  createFailure,
  keepPiece,
  type Piece,
  pieceCost,
  type RequestSink,
  type ResponseSink,
} from "@connect-plugin/protocol";
import { ignoredRequests } from "@connect-plugin/rpc";
import type { Clock } from "./clock.js";

/**
 * Calls to a plugin that is on its way up wait for it, as long as their deadlines allow, instead of failing: so a
 * restart is not noticed by who can wait. A call that waits has not been given to anybody.
 */
export interface HeldCalls {
  /** A handler that lets calls of this caller wait before they reach `calls`. */
  before(calls: CallHandler, caller: string | undefined): CallHandler;
  /** Looks at all that wait again: call it whenever a plugin has come or will not come. */
  look(): void;
  /** Calls that wait now. */
  readonly size: number;
}

export interface HeldCallsOptions {
  /** Whether nobody can answer the call now, but somebody may soon. Asked for every call: be quick. */
  readonly mustWait: (head: CallHead, caller: string | undefined) => boolean;
  readonly clock: Clock;
  /** Calls that may wait at once. Default 10,000. */
  readonly maxCalls?: number | undefined;
  /** Bytes of requests that may wait at once. Default 16 MiB. */
  readonly maxBytes?: number | undefined;
}

interface Ground {
  readonly options: HeldCallsOptions;
  readonly held: Set<HeldCall>;
  readonly maxBytes: number;
  bytes: number;
}

/** @throws RangeError for a limit that is none */
export function createHeldCalls(options: HeldCallsOptions): HeldCalls {
  const maxCalls = checkLimit("heldCalls", options.maxCalls ?? 10_000);
  const ground: Ground = {
    options,
    held: new Set(),
    maxBytes: checkLimit("heldBytes", options.maxBytes ?? 16 * 1_024 * 1_024),
    bytes: 0,
  };
  const { held } = ground;
  return {
    before: (calls, caller) => ({
      start(head, responses) {
        if (!options.mustWait(head, caller)) return calls.start(head, responses);
        const call = new HeldCall(ground, calls, caller, head, responses);
        if (held.size >= maxCalls) call.refuse(tooMany(head, maxCalls));
        else call.wait();
        return call;
      },
    }),
    look() {
      for (const call of [...held]) call.look();
    },
    get size() {
      return held.size;
    },
  };
}

interface Given {
  readonly piece: Piece;
  readonly last: boolean;
}

class HeldCall implements RequestSink {
  private readonly ground: Ground;
  private readonly calls: CallHandler;
  private readonly caller: string | undefined;
  private readonly head: CallHead;
  private readonly responses: ResponseSink;
  private given: Given[] = [];
  private ended = false;
  private credited = 0;
  private cost = 0;
  private callOff: () => void = ignore;
  /** Where what the caller gives goes, once it no longer waits. */
  private requests: RequestSink | undefined;

  constructor(
    ground: Ground,
    calls: CallHandler,
    caller: string | undefined,
    head: CallHead,
    responses: ResponseSink,
  ) {
    this.ground = ground;
    this.calls = calls;
    this.caller = caller;
    this.head = head;
    this.responses = responses;
  }

  wait(): void {
    const { clock } = this.ground.options;
    this.ground.held.add(this);
    if (this.head.deadline === Number.POSITIVE_INFINITY) return;
    const left = Math.max(0, this.head.deadline - clock.now());
    this.callOff = clock.after(left, () => this.refuse(tooLate(this.head)));
  }

  look(): void {
    // What began or ended before it in the same round may have ended it, or let it go on.
    if (!this.ground.held.has(this)) return;
    if (this.ground.options.mustWait(this.head, this.caller)) return;
    this.leave();
    const requests = this.calls.start(this.head, this.responses);
    this.requests = requests;
    const { given } = this;
    this.given = [];
    for (const { piece, last } of given) requests.message(piece, last);
    if (this.ended) requests.end();
    if (this.credited > 0) requests.credit(this.credited);
  }

  refuse(failure: CallFailure): void {
    this.leave();
    this.requests = ignoredRequests;
    this.given = [];
    this.responses.end([], failure);
  }

  message(piece: Piece, last: boolean): void {
    if (this.requests !== undefined) {
      this.requests.message(piece, last);
      return;
    }
    this.given.push({ piece: keepPiece(piece), last });
    const cost = pieceCost(piece);
    this.cost += cost;
    this.ground.bytes += cost;
    if (this.ground.bytes > this.ground.maxBytes) this.refuse(tooMuch(this.head, this.ground.maxBytes));
  }

  end(): void {
    if (this.requests !== undefined) this.requests.end();
    else this.ended = true;
  }

  cancel(failure: CallFailure): void {
    if (this.requests !== undefined) {
      this.requests.cancel(failure);
      return;
    }
    this.leave();
    this.requests = ignoredRequests;
    this.given = [];
  }

  credit(bytes: number): void {
    if (this.requests !== undefined) this.requests.credit(bytes);
    else this.credited += bytes;
  }

  private leave(): void {
    this.ground.held.delete(this);
    this.ground.bytes -= this.cost;
    this.cost = 0;
    this.callOff();
    this.callOff = ignore;
  }
}

function checkLimit(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 0) return value;
  throw new RangeError(`limits.${name}: wanted a whole number from 0, got ${value}`);
}

function tooLate({ service, method }: CallHead): CallFailure {
  return createFailure(
    "DEADLINE_EXCEEDED",
    `no plugin that provides ${service} became ready before the deadline of the call of ${method}`,
    { fault: "host", facts: { service, method }, notDelivered: true },
  );
}

function tooMany({ service, method }: CallHead, limit: number): CallFailure {
  return createFailure(
    "TOO_MANY_CALLS",
    `${limit} calls wait already for plugins that are on their way up, so the call of ${service}/${method} may not`,
    { fault: "host", facts: { service, method, limit: String(limit) }, notDelivered: true },
  );
}

function tooMuch({ service, method }: CallHead, limit: number): CallFailure {
  return createFailure(
    "TOO_MANY_CALLS",
    `calls that wait for plugins that are on their way up may hold ${limit} bytes, ` +
      `which the call of ${service}/${method} would exceed`,
    { fault: "host", facts: { service, method, limit: String(limit) }, notDelivered: true },
  );
}

function ignore(): void {}
