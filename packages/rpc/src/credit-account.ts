import { INITIAL_CREDIT } from "@connect-plugin/protocol";

/** Credit is told at half a window: often enough never to stop a sender, seldom enough to cost nothing. */
const TELL_AT = INITIAL_CREDIT / 2;

/**
 * What a receiver owes its sender. Bytes of messages are owed when the consumer takes them. Bytes of a message that is
 * not complete have to be owed earlier, or its rest would never come: at once while the consumer has nothing else to
 * take, and held back while it has.
 */
export class CreditAccount {
  private owed = 0;
  private held = 0;

  /** So many bytes were taken. Returns the credit to tell now, or 0. */
  taken(bytes: number): number {
    this.owed += bytes;
    return this.tell();
  }

  /** A piece came of a message that goes on. Returns the credit to tell now, or 0. */
  part(bytes: number, consumerWaits: boolean): number {
    this.held += bytes;
    return consumerWaits ? this.release() : 0;
  }

  /** The consumer has taken all that was complete. Returns the credit to tell now, or 0. */
  release(): number {
    this.owed += this.held;
    this.held = 0;
    return this.tell();
  }

  private tell(): number {
    const { owed } = this;
    if (owed < TELL_AT) return 0;
    this.owed = 0;
    return owed;
  }
}
