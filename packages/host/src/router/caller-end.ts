import type {
  CallFailure,
  CallHandler,
  CallHead,
  Metadata,
  MethodKind,
  RequestSink,
  ResponseSink,
} from "@connect-plugin/protocol";
import { printable } from "@connect-plugin/protocol";
import { ignoredRequests, type Observe } from "@connect-plugin/rpc";
import type { Authorize } from "../auth/decision.js";
import type { Principal } from "../auth/principal.js";
import type { Emit } from "../event.js";
import { type CallChains, createCallChains } from "./call-chains.js";
import { addChild } from "./call-family.js";
import {
  alreadyLate,
  identityEnded,
  otherKind,
  parentNotInFlight,
  tooDeep,
  tooManyCalls,
} from "./refusals.js";
import { type CallerBook, type CallGround, RoutedCall, RoutedRequests } from "./routed-call.js";
import type { WayFinder } from "./way-finder.js";

/** What the ends of all callers of a router share. */
export interface CallerGround extends CallGround {
  readonly authorize: Authorize | undefined;
  readonly observe: Observe | undefined;
  readonly emit: Emit;
  /** Of a chain of callers. */
  readonly maxDepth: number;
  readonly maxCallsPerCaller: number;
  nextId(): number;
}

/**
 * What the calls of one principal go through: everything is checked here, synchronously, before a provider hears of a
 * call.
 */
export class CallerEnd implements CallHandler {
  private readonly ground: CallerGround;
  private readonly principal: Principal;
  private readonly book: CallerBook;
  private readonly ways: WayFinder;
  private readonly chains: CallChains;

  constructor(ground: CallerGround, principal: Principal, book: CallerBook, ways: WayFinder) {
    this.ground = ground;
    this.principal = principal;
    this.book = book;
    this.ways = ways;
    this.chains = createCallChains(principal.caller);
  }

  start(head: CallHead, responses: ResponseSink): RequestSink {
    const { ground, principal, book } = this;
    if (book.ended) return this.refuse(head, responses, identityEnded(principal));
    if (book.inFlight >= ground.maxCallsPerCaller) {
      return this.refuse(head, responses, tooManyCalls(principal, ground.maxCallsPerCaller));
    }
    let parent: RoutedCall | undefined;
    let { chain } = principal;
    let { deadline, header } = head;
    if (head.parent !== undefined) {
      parent = ground.inFlight.get(head.parent);
      if (parent?.provider.runtimeId !== principal.runtimeId) {
        return this.refuse(head, responses, parentNotInFlight(principal, head.parent));
      }
      if (parent.chain.depth >= ground.maxDepth) {
        return this.refuse(head, responses, tooDeep(principal, ground.maxDepth));
      }
      chain = this.chains.behind(parent.chain);
      deadline = Math.min(deadline, parent.deadline);
    }
    const startedAt = ground.now();
    if (!(deadline > startedAt)) return this.refuse(head, responses, alreadyLate(head));
    if (header.length > 0) {
      const clean = ground.metadata.clean(header);
      if (clean.kind === "failure") return this.refuse(head, responses, clean.failure);
      header = clean.metadata;
    }
    const way = this.ways.find(head);
    if (way.kind === "failure") return this.refuse(head, responses, way.failure);
    const { method } = way;
    const objection = this.object(head, way.provider.plugin, method.kind, chain);
    if (objection !== undefined) {
      way.lease?.release();
      return this.refuse(head, responses, objection);
    }
    const id = ground.nextId();
    const onward: CallHead = {
      service: head.service,
      method: head.method,
      kind: method.kind === "unknown" ? head.kind : method.kind,
      codec: head.codec,
      acceptGzip: head.acceptGzip,
      header,
      deadline,
      parent: undefined,
      target: undefined,
      grant: undefined,
      id,
      chain,
    };
    const observation = ground.observe?.(onward);
    const told =
      observation?.header === undefined ? onward : { ...onward, header: merge(header, observation.header) };
    const call = new RoutedCall(ground, book, told, id, chain, startedAt, responses, way, observation);
    if (parent !== undefined) addChild(parent, call);
    call.open(way.handler);
    return new RoutedRequests(call);
  }

  /** What speaks against a call whose provider is known. */
  private object(
    head: CallHead,
    provider: string,
    kind: MethodKind | "unknown",
    chain: Principal["chain"],
  ): CallFailure | undefined {
    if (kind !== head.kind && kind !== "unknown" && head.kind !== "unknown")
      return otherKind(head, provider, kind);
    const { authorize } = this.ground;
    if (authorize === undefined) return undefined;
    const { service, method } = head;
    const decision = authorize(this.principal, { kind: "call", service, method, provider, chain });
    return decision.allow ? undefined : decision.failure;
  }

  private refuse(head: CallHead, responses: ResponseSink, failure: CallFailure): RequestSink {
    this.ground.emit({
      type: "call.refused",
      caller: this.principal.name,
      service: printable(head.service),
      method: printable(head.method),
      failure,
    });
    responses.end([], failure);
    return ignoredRequests;
  }
}

/** Fields of an observation take the place of the caller's: a trace goes on through the host. */
function merge(header: Metadata, added: Metadata): Metadata {
  const names = new Set(added.map(([name]) => name));
  return [...header.filter(([name]) => !names.has(name)), ...added];
}
