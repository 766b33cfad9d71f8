import { join } from "node:path";
import type { CorsOptions } from "./server/cors.js";
import type { ListenAddress } from "./server/listen-address.js";

/** How applications reach plugins from outside of the host: over HTTP. */
export interface DoorOptions {
  /**
   * Where the host listens itself: `127.0.0.1:8443`, `[::1]:8443`, `unix:/path/of.sock`, or the same in parts. Port 0
   * takes any that is free, which `host.doorUrl` tells. Default: nowhere; `host.handler` is for a server of your own.
   *
   * Without TLS, only addresses of this machine are listened at, and others only if there is a token.
   */
  readonly listen?: string | DoorAddress | undefined;
  /** Certificate chain and key, in PEM. Default: cleartext. */
  readonly tls?: { readonly cert: string | Uint8Array; readonly key: string | Uint8Array } | undefined;
  /** The file of tokens. There need not be one yet. Default: `tokens.json` in the operator's directory. */
  readonly tokens?: string | undefined;
  /** Which web pages may call. Default: none. */
  readonly cors?: CorsOptions | undefined;
}

export type DoorAddress =
  /** `host` default 127.0.0.1. */
  | { readonly host?: string | undefined; readonly port: number }
  /** Path of a unix socket, in a directory that nobody else may enter. */
  | { readonly unix: string };

/** What is left to be decided of a door's options: nothing. */
export interface CheckedDoorOptions {
  readonly address: ListenAddress | undefined;
  readonly tls: DoorOptions["tls"];
  readonly tokens: string;
  readonly cors: CorsOptions | undefined;
}

const keys = ["listen", "tls", "tokens", "cors"];
/** The file of tokens in an operator's directory. */
export const TOKENS_FILE = "tokens.json";

/** @throws TypeError or RangeError naming the option and its value */
export function readDoorOptions(options: DoorOptions, operatorDir: string | undefined): CheckedDoorOptions {
  const unknown = Object.keys(options).find((key) => !keys.includes(key));
  if (unknown !== undefined) {
    throw new TypeError(`door.${unknown}: there is no such option, but ${keys.join(", ")}`);
  }
  const tokens = options.tokens ?? (operatorDir === undefined ? undefined : join(operatorDir, TOKENS_FILE));
  if (tokens === undefined) {
    throw new TypeError(
      "door.tokens: wanted the path of a file of tokens, or operator.dir to look for one in",
    );
  }
  const { listen, tls, cors } = options;
  return { address: listen === undefined ? undefined : readAddress(listen), tls, tokens, cors };
}

const HOST_AND_PORT = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s/]+)):(\d{1,5})$/;

function readAddress(listen: string | DoorAddress): ListenAddress {
  if (typeof listen !== "string") {
    if ("unix" in listen) return { path: listen.unix };
    return { port: checkPort(listen.port), host: listen.host };
  }
  if (listen.startsWith("unix:")) return { path: listen.slice("unix:".length) };
  const [, bracketed, plain, port] = HOST_AND_PORT.exec(listen) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || port === undefined) {
    throw new TypeError(
      `door.listen: wanted HOST:PORT such as 127.0.0.1:8443, or unix:PATH, got "${listen}"`,
    );
  }
  return { host, port: checkPort(Number(port)) };
}

function checkPort(port: number): number {
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new RangeError(`door.listen: wanted a port from 0 to 65535, got ${port}`);
}
