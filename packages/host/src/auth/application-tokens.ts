import { readFileSync, type Stats, statSync } from "node:fs";
import { type CallFailure, createFailure } from "@connect-plugin/protocol";
import { failureError } from "@connect-plugin/rpc";
import type { Principal } from "./principal.js";
import type { Principals } from "./principals.js";
import { newSecret, Secret } from "./secret.js";
import { parseTokens, type TokenRecord } from "./token-record.js";

/**
 * The applications that may call plugins, as the operator's file of tokens says at this moment: the file is looked at
 * with every request, so whatever a command has done to it holds from the next one on.
 */
export interface ApplicationTokens {
  verify(token: string): VerifiedApplication;
  /** Tokens that are good now. */
  readonly size: number;
  /** Ends the identities of tokens that were revoked or have expired. Called now and then, for calls that go on. */
  sweep(): void;
  /** Ends all identities. Idempotent. */
  close(): void;
}

export type VerifiedApplication =
  | { readonly kind: "verified"; readonly principal: Principal }
  | { readonly kind: "failure"; readonly failure: CallFailure };

export interface ApplicationTokensOptions {
  /** The file of tokens. There need not be one. */
  readonly path: string;
  readonly principals: Pick<Principals, "external">;
  /** The identity is no more: its calls are to end. */
  readonly onEnd: (principal: Principal) => void;
  /** Told once each time the file is found to be of no use. No token is good meanwhile. */
  readonly onProblem: (error: unknown) => void;
  /** In ms since 1970. Default: the system's. */
  readonly now?: () => number;
}

interface KnownToken {
  readonly record: TokenRecord;
  readonly secret: Secret;
  readonly expiresAt: number;
  /** Made when it is first used. */
  principal: Principal | undefined;
}

export function createApplicationTokens(options: ApplicationTokensOptions): ApplicationTokens {
  const { path, principals, onEnd, onProblem } = options;
  const now = options.now ?? Date.now;
  let tokens = new Map<string, KnownToken>();
  let looked = "never";
  /** Requests that are read in one turn of the loop share one look. */
  let fresh = false;
  /** Compared with where there is no such token, so that asking takes the same time. */
  const nobody = Secret.digestOf(newSecret());

  function look(): void {
    if (fresh) return;
    fresh = true;
    setImmediate(() => {
      fresh = false;
    });
    let next: Map<string, KnownToken>;
    try {
      const found = statSync(path, { throwIfNoEntry: false });
      const version = versionOf(found);
      if (version === looked) return;
      looked = version;
      if (found !== undefined) checkPrivate(path, found);
      next = found === undefined ? new Map() : keep(parseTokens(path, readFileSync(path, "utf8")));
    } catch (error) {
      // What cannot be read lets nobody in, and is looked at again when it has changed.
      const version = `problem: ${error instanceof Error ? error.message : String(error)}`;
      if (looked !== version) onProblem(error);
      if (isFileError(error)) looked = version;
      next = new Map();
    }
    const before = tokens;
    tokens = next;
    for (const known of before.values()) if (next.get(known.record.id) !== known) end(known);
  }

  /** What has not changed keeps its identity. */
  function keep(records: readonly TokenRecord[]): Map<string, KnownToken> {
    const kept = new Map<string, KnownToken>();
    for (const record of records) {
      const known = tokens.get(record.id);
      const secret = Secret.ofDigestText(record.digest);
      if (record.kind !== "application" || secret === undefined) continue;
      const same = known !== undefined && JSON.stringify(known.record) === JSON.stringify(record);
      kept.set(
        record.id,
        same ? known : { record, secret, expiresAt: Date.parse(record.expires), principal: undefined },
      );
    }
    return kept;
  }

  function end(known: KnownToken): void {
    const { principal } = known;
    known.principal = undefined;
    if (principal !== undefined) onEnd(principal);
  }

  return {
    verify(token) {
      look();
      const dot = token.indexOf(".");
      const known = dot < 0 ? undefined : tokens.get(token.slice(0, dot));
      const matches = (known?.secret ?? nobody).matches(token.slice(dot + 1));
      if (known === undefined || !matches) {
        return failed(
          "the token is not one of this host's applications', or was revoked; " +
            "create one with: connect-plugin token create --name NAME",
        );
      }
      const { record, expiresAt } = known;
      if (expiresAt <= now()) {
        end(known);
        return failed(
          `the token "${record.name}" expired at ${record.expires}; create another with: connect-plugin token create`,
        );
      }
      known.principal ??= principals.external(record.name, record.claims);
      return { kind: "verified", principal: known.principal };
    },
    get size() {
      look();
      return [...tokens.values()].filter(({ expiresAt }) => expiresAt > now()).length;
    },
    sweep() {
      look();
      for (const known of tokens.values()) if (known.expiresAt <= now()) end(known);
    },
    close() {
      for (const known of tokens.values()) end(known);
    },
  };
}

/** Changes whenever the file does: it is written anew each time, never in place. */
function versionOf(found: Stats | undefined): string {
  if (found === undefined) return "none";
  return `${found.ino} ${found.size} ${found.mtimeMs} ${found.ctimeMs}`;
}

/** Who else can write the file, can call every plugin. */
function checkPrivate(path: string, found: Stats): void {
  const uid = process.getuid?.();
  const mode = found.mode & 0o777;
  const problem = !found.isFile()
    ? "it is no file"
    : uid !== undefined && found.uid !== uid
      ? `it belongs to user ${found.uid}, not to ${uid}, who runs this`
      : (mode & 0o077) !== 0
        ? `others may open it, its mode being ${mode.toString(8).padStart(3, "0")}; make it private with: chmod 600 ${path}`
        : undefined;
  if (problem === undefined) return;
  throw failureError("TOKENS_UNREADABLE", `the file of tokens ${path} is of no use: ${problem}`, {
    facts: { path },
  });
}

function isFileError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}

function failed(message: string): VerifiedApplication {
  return { kind: "failure", failure: createFailure("CREDENTIAL_INVALID", message) };
}
