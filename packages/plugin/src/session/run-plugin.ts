import type { Boot, CallHandler, Connection, Link, RunningPlugin } from "@connect-plugin/protocol";
import { createLane, createServiceSwitch, toFailure } from "@connect-plugin/rpc";
import { createControlServices } from "./control-services.js";
import { createHostServices } from "./host-services.js";
import { PluginLife } from "./plugin-life.js";
import type { PluginSource } from "./plugin-source.js";
import { shakeHands } from "./shake-hands.js";
import { writeToStderr } from "./write-to-stderr.js";

/**
 * Begins a plugin's session with the host that launched it. Settles once the handshake is done; rejects with a
 * ConnectError if it cannot be, and then the link is closed.
 */
export async function runPlugin(source: PluginSource, link: Link, boot: Boot): Promise<RunningPlugin> {
  const life = new PluginLife(source, boot);
  const control = createControlServices(life);
  const connection = connect(link, createServiceSwitch(control.handlers, life.services), boot);
  life.meet({ connection, services: createHostServices(connection, writeToStderr), control: control.end });
  try {
    const { runtimeId } = await shakeHands(connection, boot, source.manifest);
    life.begin(runtimeId);
  } catch (error) {
    connection.close(toFailure(error, "HANDSHAKE_INVALID"));
    throw error;
  }
  return {
    stopped: life.stopped,
    stop: (reason) => life.end({ how: "asked", reason }),
  };
}

function connect(link: Link, handler: CallHandler, { messageBytes }: Boot): Connection {
  if (link.kind === "direct") return link.connect(handler);
  const limits = messageBytes === undefined ? {} : { maxMessage: messageBytes };
  return createLane(link.pipe, { side: "plugin", handler, limits });
}
