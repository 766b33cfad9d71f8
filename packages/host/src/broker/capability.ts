import type { DescService } from "@bufbuild/protobuf";
import type { Caller } from "@connect-plugin/protocol";

/** A facility of the host: an ordinary service, implemented by the host and lent to plugins by grant. */
export interface Capability {
  readonly desc: DescService;
  /** Semver of the contract. */
  readonly version: string;
  /**
   * Makes what implements the service for one holder. Called once for each instance that uses it, so that what it
   * does can be bound to the holder's proven name.
   */
  implementation(holder: Caller): object;
}
