import type { CallFailure, Connection } from "@connect-plugin/protocol";
import { NOT_WAITING, type Timed } from "@connect-plugin/rpc";
import type { Principal } from "../auth/principal.js";
import type { Secret } from "../auth/secret.js";

/** A right to use a capability: for one holder, for a time, for some or all of its methods. */
export class Grant implements Timed {
  readonly id: string;
  readonly holder: Principal;
  readonly service: string;
  /** Empty: all of them. */
  readonly methods: readonly string[];
  readonly bearer: Secret;
  readonly deadline: number;
  /** Takes the calls under this grant. Closing it ends them. */
  readonly connection: Connection;
  /** The grant that this one was made of, if it was. */
  readonly wide: Grant | undefined;
  /** Grants that were made of this one, and end with it. */
  readonly narrowed = new Set<Grant>();
  wheelTick = NOT_WAITING;
  wheelNext: Timed | undefined = undefined;
  wheelPrevious: Timed | undefined = undefined;
  private readonly onExpired: (grant: Grant) => void;

  constructor(options: {
    readonly id: string;
    readonly holder: Principal;
    readonly service: string;
    readonly methods: readonly string[];
    readonly bearer: Secret;
    readonly expiresAt: number;
    readonly connection: Connection;
    readonly wide: Grant | undefined;
    readonly onExpired: (grant: Grant) => void;
  }) {
    this.id = options.id;
    this.holder = options.holder;
    this.service = options.service;
    this.methods = options.methods;
    this.bearer = options.bearer;
    this.deadline = options.expiresAt;
    this.connection = options.connection;
    this.wide = options.wide;
    this.onExpired = options.onExpired;
    this.wide?.narrowed.add(this);
  }

  covers(method: string): boolean {
    return this.methods.length === 0 || this.methods.includes(method);
  }

  expire(): void {
    this.onExpired(this);
  }

  /** Ends the calls under it. */
  cut(failure: CallFailure): void {
    this.connection.close(failure);
  }
}
