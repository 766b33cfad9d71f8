import type { CallFailure, CallHandler, MethodInfo } from "@connect-plugin/protocol";
import type { Principal } from "../auth/principal.js";

// What the door asks of the other rooms. It is handed in, so that the door knows neither credentials nor routes.

/** What is known of a request once its head is read: everything that a gate may judge by. */
export interface RequestHead {
  readonly httpVersion: 1 | 2;
  /** As it was sent: `POST`. */
  readonly method: string;
  /** As it was sent, without the query. May hold a secret: never to be shown. */
  readonly path: string;
  /** What follows the `?`, undecoded; empty if there is none. */
  readonly query: string;
  /** Address of the other end of the socket; undefined for unix sockets. */
  readonly remoteAddress: string | undefined;
  /** Whether it came through TLS. */
  readonly encrypted: boolean;
  /** The first value of a field. @param name in lower case */
  field(name: string): string | undefined;
  /** All values of a field, in order: more than one where there should be one is suspicious. @param name in lower case */
  fields(name: string): readonly string[];
}

/** What the gate says of a request. */
export type Admitted =
  /** `path`: what remains of the request's path without a secret prefix. Default: all of it. */
  | { readonly kind: "principal"; readonly principal: Principal; readonly path?: string | undefined }
  /** Anybody may ask for this. */
  | { readonly kind: "public"; readonly path?: string | undefined }
  | { readonly kind: "refused"; readonly failure: CallFailure };

/** Turns a credential into a principal, before anything of the body is read. */
export interface Gate {
  /** Synchronous; must not throw. */
  admit(head: RequestHead): Admitted;
}

/** Takes the calls of a principal; undefined stands for the public, who may only do what the gate lets everybody do. */
export type CallsOf = (principal: Principal | undefined) => CallHandler;

/** What is known of a method; undefined if nothing is. */
export type MethodLookup = (
  service: string,
  method: string,
) => Pick<MethodInfo, "kind" | "idempotency"> | undefined;
