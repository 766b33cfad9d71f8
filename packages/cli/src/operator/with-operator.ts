import { resolve } from "node:path";
import { connectOperator } from "@connect-plugin/host";
import { AdminService, type Connection, createFailure } from "@connect-plugin/protocol";
import { createServiceClient, failureInfo } from "@connect-plugin/rpc";
import type { Client } from "@connectrpc/connect";
import { CliError } from "../cli-error.js";
import type { CommandContext } from "../command-context.js";
import { operatorDirectory } from "../config/operator-directory.js";
import { ExitCode } from "../exit-code.js";

/** A running host, as a command sees it. */
export interface Operator {
  readonly admin: Client<typeof AdminService>;
  /** Takes calls to any plugin, too. */
  readonly connection: Connection;
  /** Aborts when the user has had enough. */
  readonly signal: AbortSignal;
}

/** Connects to the host of a configuration, works with it, and lets it go again. */
export async function withOperator(
  context: CommandContext,
  configFile: string,
  work: (operator: Operator) => Promise<void>,
): Promise<void> {
  const connection = await connect(resolve(context.cwd, configFile));
  const interrupted = new AbortController();
  const endSignals = context.onSignal((signal) => interrupted.abort(signal));
  try {
    await work({
      admin: createServiceClient(AdminService, connection),
      connection,
      signal: interrupted.signal,
    });
  } finally {
    endSignals();
    connection.close(createFailure("CANCELLED", "the command has ended"));
  }
}

async function connect(configFile: string): Promise<Connection> {
  try {
    return await connectOperator({ dir: operatorDirectory(configFile) });
  } catch (error) {
    const reason = failureInfo(error)?.reason;
    if (reason !== "HOST_NOT_RUNNING") throw error;
    throw new CliError(
      ExitCode.notRunning,
      reason,
      `no host is running for ${configFile}; start it with: connect-plugin run ${configFile}`,
    );
  }
}
