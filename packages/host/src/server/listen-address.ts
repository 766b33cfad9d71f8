import { isIP } from "node:net";
import { failureError } from "@connect-plugin/rpc";

/** Where the door listens. */
export type ListenAddress =
  /** `host` default 127.0.0.1; `port` 0 takes any that is free. */
  | { readonly port: number; readonly host?: string | undefined }
  /** A unix socket. Its directory must be one that nobody else may enter. */
  | { readonly path: string };

/** What fits into the address of a unix socket everywhere; Node cuts longer ones off without a word. */
const PATH_LIMIT = 103;

/**
 * Holds an address against what keeps strangers out.
 *
 * @throws ConnectError (LISTEN_REFUSED) if others could reach it in cleartext or without a token, (SOCKET_PATH) if the
 *   path is too long
 */
export function checkListenAddress(
  address: ListenAddress,
  safe: { readonly tls: boolean; readonly tokens: boolean },
): void {
  if ("path" in address) {
    const size = Buffer.byteLength(address.path);
    if (size <= PATH_LIMIT) return;
    throw failureError(
      "SOCKET_PATH",
      `the path of a unix socket may have ${PATH_LIMIT} bytes, but that of the door has ${size}; choose a shorter one`,
      { facts: { limit: String(PATH_LIMIT), size: String(size) } },
    );
  }
  const { host = LOOPBACK } = address;
  if (isLoopback(host) || (safe.tls && safe.tokens)) return;
  const missing = [safe.tls ? [] : ["TLS"], safe.tokens ? [] : ["a token"]].flat().join(" and ");
  throw failureError(
    "LISTEN_REFUSED",
    `the door may listen at ${host}, where others can reach it, only with TLS and at least one token, but ${missing} ` +
      "is missing; configure that, or listen on 127.0.0.1 or on a unix socket",
    { facts: { host } },
  );
}

export const LOOPBACK = "127.0.0.1";

/** Whether only processes of this machine can reach an address. Names other than localhost may mean anything. */
export function isLoopback(host: string): boolean {
  if (host === "localhost" || host === "::1") return true;
  return isIP(host) === 4 && host.startsWith("127.");
}
