import type {
  Boot,
  CallHandler,
  Connection,
  Link,
  Manifest,
  PluginEntry,
  PluginStopped,
  RunningPlugin,
} from "@connect-plugin/protocol";
import { createLane } from "@connect-plugin/rpc";
import { createRawHandler, type RawMethod } from "../raw-call.js";

/** What the methods of a raw plugin know. */
export interface RawContext {
  readonly boot: Boot;
  readonly host: Connection;
}

/** A plugin written by hand against the structural entry, without an SDK: no handshake, no services, only calls. */
export function rawPlugin(
  name: string,
  methods: (context: RawContext) => Readonly<Record<string, RawMethod>>,
): PluginEntry {
  return {
    $connectPlugin: {
      abi: 1,
      manifest: manifestOf(name),
      async run(link, boot) {
        return runRaw(link, boot, methods);
      },
    },
  };
}

export function manifestOf(name: string): Manifest {
  return {
    name,
    version: "1.2.3",
    provides: [],
    requires: [],
    instances: "many",
    sdk: { name: "by-hand", version: "0.0.1" },
  };
}

function runRaw(
  link: Link,
  boot: Boot,
  methods: (context: RawContext) => Readonly<Record<string, RawMethod>>,
): RunningPlugin {
  let handler: CallHandler | undefined;
  const late: CallHandler = { start: (head, responses) => handler!.start(head, responses) };
  const host =
    link.kind === "pipe" ? createLane(link.pipe, { side: "plugin", handler: late }) : link.connect(late);
  handler = createRawHandler(methods({ boot, host }));
  let settle: (how: PluginStopped) => void = () => {};
  const stopped = new Promise<PluginStopped>((resolve) => {
    settle = resolve;
  });
  void host.closed.then(({ failure }) => settle({ how: "host-gone", reason: failure.message }));
  return {
    stopped,
    stop(reason) {
      settle({ how: "asked", reason });
      host.close({
        code: 14,
        message: `stopped: ${reason}`,
        info: undefined,
        details: [],
        metadata: [],
        notDelivered: false,
      });
    },
  };
}
