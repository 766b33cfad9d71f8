import type { Connection } from "@connect-plugin/protocol";
import type { Lease, ProviderRecord } from "./record.js";

/** An instance's connection, and how many calls use it. In flight is counted here and nowhere else. */
export class InstanceUse {
  readonly instanceId: string;
  readonly connection: Connection;
  /** Whether its end has been seen. */
  open = true;
  inFlight = 0;
  private waiting: (() => void)[] = [];
  private readonly onUnused: (use: InstanceUse) => void;

  constructor(instanceId: string, connection: Connection, onUnused: (use: InstanceUse) => void) {
    this.instanceId = instanceId;
    this.connection = connection;
    this.onUnused = onUnused;
  }

  /** Settles when no call uses it. */
  drained(): Promise<void> {
    if (this.inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.waiting.push(resolve);
    });
  }

  released(): void {
    this.inFlight--;
    if (this.inFlight > 0) return;
    const { waiting } = this;
    if (waiting.length > 0) {
      this.waiting = [];
      for (const resolve of waiting) resolve();
    }
    if (!this.open) this.onUnused(this);
  }
}

/** One use. Counts from the moment it is made. */
export class CountedLease implements Lease {
  readonly record: ProviderRecord;
  private use: InstanceUse;
  private live = true;

  constructor(record: ProviderRecord, use: InstanceUse) {
    this.record = record;
    this.use = use;
    use.inFlight++;
  }

  get connection(): Connection {
    return this.use.connection;
  }

  release(): void {
    if (!this.live) return;
    this.live = false;
    this.use.released();
  }
}
