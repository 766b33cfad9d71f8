import {
  type CallFailure,
  type CallHandler,
  type CallHead,
  keepPiece,
  type Metadata,
  type Piece,
  type RequestSink,
  type ResponseSink,
} from "@connect-plugin/protocol";
import { toFailure } from "@connect-plugin/rpc";
import type { GrantLease } from "./grant-lease.js";

/**
 * Makes calls under a grant.
 *
 * A call waits until there is a grant. A call that the host answers with "that grant is no longer good" is made once
 * more under a new one: the host looks at the grant before it passes anything on, so such a call cannot have been
 * executed. Nothing else is ever repeated.
 */
export function createGrantedCalls(calls: CallHandler, lease: GrantLease): CallHandler {
  return {
    start(head, responses) {
      const call = new GrantedCall(calls, lease, head, responses);
      call.begin();
      return call;
    },
  };
}

/** One try of a call, and whether what comes from it still counts. */
interface Attempt {
  readonly grant: string;
  live: boolean;
}

/** What the caller gave before the call was accepted, to be given again. Bounded by the caller's credit. */
interface Given {
  readonly pieces: { readonly piece: Piece; readonly last: boolean }[];
  ended: boolean;
  credit: number;
}

class GrantedCall implements RequestSink {
  private readonly calls: CallHandler;
  private readonly lease: GrantLease;
  private readonly head: CallHead;
  private readonly responses: ResponseSink;
  private given: Given | undefined = { pieces: [], ended: false, credit: 0 };
  private requests: RequestSink | undefined;
  private over = false;
  private repeated = false;

  constructor(calls: CallHandler, lease: GrantLease, head: CallHead, responses: ResponseSink) {
    this.calls = calls;
    this.lease = lease;
    this.head = head;
    this.responses = responses;
  }

  begin(): void {
    const grant = this.lease.current();
    if (typeof grant === "string") {
      this.attempt(grant);
      return;
    }
    grant.then(
      (id) => this.attempt(id),
      (error: unknown) => this.finish([], toFailure(error)),
    );
  }

  message(piece: Piece, last: boolean): void {
    this.given?.pieces.push({ piece: keepPiece(piece), last });
    this.requests?.message(piece, last);
  }

  end(): void {
    if (this.given !== undefined) this.given.ended = true;
    this.requests?.end();
  }

  cancel(failure: CallFailure): void {
    if (this.over) return;
    this.over = true;
    this.given = undefined;
    this.requests?.cancel(failure);
  }

  credit(bytes: number): void {
    if (this.given !== undefined) this.given.credit += bytes;
    this.requests?.credit(bytes);
  }

  private attempt(grant: string): void {
    if (this.over) return;
    const attempt: Attempt = { grant, live: true };
    // Answers that come before this returns let go of what was given; it is to be sent all the same.
    const given = this.given;
    const requests = this.calls.start({ ...this.head, grant }, this.listen(attempt));
    // It may be over already, or have been begun anew.
    if (!attempt.live || this.over) return;
    this.requests = requests;
    if (given === undefined) return;
    for (const { piece, last } of [...given.pieces]) requests.message(piece, last);
    if (given.ended) requests.end();
    if (given.credit > 0) requests.credit(given.credit);
  }

  /** What comes back for one attempt. Anything but a refusal of the grant shows that the call was accepted. */
  private listen(attempt: Attempt): ResponseSink {
    return {
      header: (header) => {
        if (this.accepted(attempt)) this.responses.header(header);
      },
      message: (piece) => {
        if (this.accepted(attempt)) this.responses.message(piece);
      },
      credit: (bytes) => {
        if (this.accepted(attempt)) this.responses.credit(bytes);
      },
      end: (trailer, failure) => {
        if (!attempt.live || this.over) return;
        attempt.live = false;
        this.requests = undefined;
        if (this.given === undefined || this.repeated || !refusesGrant(failure)) {
          this.finish(trailer, failure);
          return;
        }
        this.repeated = true;
        this.lease.discard(attempt.grant);
        this.begin();
      },
    };
  }

  private accepted(attempt: Attempt): boolean {
    if (!attempt.live || this.over) return false;
    this.given = undefined;
    return true;
  }

  private finish(trailer: Metadata, failure: CallFailure | undefined): void {
    if (this.over) return;
    this.over = true;
    this.given = undefined;
    this.responses.end(trailer, failure);
  }
}

function refusesGrant(failure: CallFailure | undefined): boolean {
  const reason = failure?.info?.reason;
  return reason === "GRANT_EXPIRED" || reason === "GRANT_INVALID";
}
