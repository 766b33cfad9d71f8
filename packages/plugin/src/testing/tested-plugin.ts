import type { DescService } from "@bufbuild/protobuf";
import type { PluginStopped } from "@connect-plugin/protocol";
import type { ServiceClient } from "@connect-plugin/rpc";
import type { Needs } from "../define/need.js";
import type { LogLevel } from "../session/log-line.js";
import type { ChangingKey, FakeFor } from "./fakes.js";
import type { TestCaller } from "./test-calls.js";

/** As whom a test calls. */
export interface TestClientOptions {
  /** What handlers see as `call.caller`; what is left out is made up. Default: a plugin called `test`. */
  readonly caller?: TestCaller;
  /** What handlers see as `call.onBehalfOf`, nearest first. Default: nobody. */
  readonly onBehalfOf?: readonly TestCaller[];
}

/** What a plugin says of its health. */
export interface TestHealth {
  readonly state: "healthy" | "degraded" | "unhealthy";
  readonly reason: string;
  readonly unavailable: readonly string[];
}

/** A line of the plugin's log. */
export interface TestLogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** A plugin that runs for a test. Stop it when the test is over. */
export interface TestedPlugin<N extends Needs> {
  /** The identity that the plugin was given. */
  readonly runtimeId: string;
  /** Calls the plugin's services, as another plugin would. */
  client<S extends DescService>(service: S, options?: TestClientOptions): ServiceClient<S>;
  /**
   * Changes who provides a service that the plugin needs: other stand-ins, or none. The plugin is told, as by a host.
   */
  provide<K extends ChangingKey<N> & string>(key: K, fake: FakeFor<N, K> | undefined): void;
  /** Asks the plugin how it is. */
  health(): Promise<TestHealth>;
  /** What the plugin has logged so far. Lines arrive a little after they were written. */
  readonly log: readonly TestLogLine[];
  /** Waits for a line with this text in its message; rejects after 2 s without one. */
  logged(text: string): Promise<TestLogLine>;
  /** Tells handlers to come to an end (`call.draining`); settles when no call is left. */
  drain(): Promise<void>;
  /** Ends the plugin as a host would, and says how it went. Idempotent. */
  stop(options?: { readonly graceSeconds?: number }): Promise<PluginStopped>;
  /** Settles when the plugin has stopped, for whatever reason. */
  readonly stopped: Promise<PluginStopped>;
}
