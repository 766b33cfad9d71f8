import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pluginNameProblem } from "@connect-plugin/protocol";
import { failureError } from "@connect-plugin/rpc";
import { digestText, newCredentialId, newSecret, type RandomBytes } from "./secret.js";
import { parseTokens, serializeTokens, type TokenRecord } from "./token-record.js";

/** The tokens of a host's applications, in a file of the operator's. Works whether or not the host runs. */
export interface TokenFile {
  readonly path: string;
  /**
   * Makes a token. It is given here and never again: the file holds a digest. Rejects with a ConnectError
   * (TOKEN_NAME_TAKEN, TOKENS_UNREADABLE), or a TypeError or RangeError for what is no name or time.
   */
  create(options: NewToken): Promise<CreatedToken>;
  /** All that have not been revoked, also those that have expired. Rejects with a ConnectError (TOKENS_UNREADABLE). */
  list(): Promise<readonly TokenRecord[]>;
  /** Ends a token. Rejects with a ConnectError (TOKEN_UNKNOWN, TOKENS_UNREADABLE). */
  revoke(id: string): Promise<TokenRecord>;
}

export interface NewToken {
  /** What the application is called in logs, and to plugins: lower-case letters, digits and single hyphens. */
  readonly name: string;
  /** In ms from now. Default 90 days; at most ten years. */
  readonly expiresInMs?: number | undefined;
  /** What plugins are told of the application beside its name. Default: nothing. */
  readonly claims?: Readonly<Record<string, string>> | undefined;
}

export interface CreatedToken {
  /** `id.secret`. */
  readonly token: string;
  readonly record: TokenRecord;
}

export interface TokenFileOptions {
  /** In ms since 1970. Default: the system's. */
  readonly now?: () => number;
  readonly random?: RandomBytes;
}

const DAY_MS = 86_400_000;
const DEFAULT_MS = 90 * DAY_MS;
const LONGEST_MS = 3_650 * DAY_MS;
const LOCK_WAIT_MS = 5_000;
/** Nobody holds the lock for so long: who made it, has died. */
const LOCK_STALE_MS = 10_000;

export function openTokenFile(path: string, options: TokenFileOptions = {}): TokenFile {
  const now = options.now ?? Date.now;

  async function read(): Promise<readonly TokenRecord[]> {
    try {
      return parseTokens(path, await readFile(path, "utf8"));
    } catch (error) {
      if (isCode(error, "ENOENT")) return [];
      throw isFileError(error) ? unreadable(path, `it cannot be read (${error.code})`) : error;
    }
  }

  /** Reads, changes and writes, while no other process does. */
  async function change<T>(
    work: (tokens: readonly TokenRecord[]) => { readonly tokens: readonly TokenRecord[]; readonly result: T },
  ): Promise<T> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const unlock = await lock(`${path}.lock`);
    try {
      const { tokens, result } = work(await read());
      await replace(path, serializeTokens(tokens));
      return result;
    } finally {
      await unlock();
    }
  }

  return {
    path,
    async create({ name, expiresInMs = DEFAULT_MS, claims = {} }) {
      const problem = pluginNameProblem(name);
      if (problem !== undefined) throw new TypeError(`name: ${problem}`);
      if (!(expiresInMs > 0 && expiresInMs <= LONGEST_MS)) {
        throw new RangeError(`expiresInMs: wanted more than 0 and at most ${LONGEST_MS}, got ${expiresInMs}`);
      }
      const id = newCredentialId(options.random);
      const secret = newSecret(options.random);
      const created = now();
      const record: TokenRecord = {
        id,
        kind: "application",
        name,
        digest: digestText(secret),
        created: new Date(created).toISOString(),
        expires: new Date(created + expiresInMs).toISOString(),
        claims: { ...claims },
      };
      await change((tokens) => {
        const taken = tokens.find((token) => token.name === name && Date.parse(token.expires) > created);
        if (taken !== undefined) throw nameTaken(taken);
        return { tokens: [...tokens, record], result: undefined };
      });
      return { token: `${id}.${secret}`, record };
    },
    list: read,
    revoke: (id) =>
      change((tokens) => {
        const result = tokens.find((token) => token.id === id);
        if (result === undefined) throw unknownToken(id, path);
        return { tokens: tokens.filter((token) => token !== result), result };
      }),
  };
}

/** All or nothing: who reads meanwhile, reads what was there before. */
async function replace(path: string, text: string): Promise<void> {
  const draft = `${path}.${process.pid}.new`;
  await rm(draft, { force: true });
  try {
    const file = await open(draft, "wx", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw isFileError(error) ? unreadable(path, `it cannot be written (${error.code})`) : error;
  }
}

async function lock(path: string): Promise<() => Promise<void>> {
  const deadline = performance.now() + LOCK_WAIT_MS;
  for (;;) {
    try {
      const file = await open(path, "wx", 0o600);
      await file.close();
      return () => rm(path, { force: true });
    } catch (error) {
      if (!isCode(error, "EEXIST")) {
        throw isFileError(error) ? unreadable(path, `it cannot be made (${error.code})`) : error;
      }
    }
    const made = await stat(path).catch(() => undefined);
    if (made !== undefined && Date.now() - made.mtimeMs > LOCK_STALE_MS) await rm(path, { force: true });
    else if (performance.now() > deadline) throw unreadable(path, "another command holds it");
    else await sleep(20);
  }
}

function unreadable(path: string, problem: string) {
  return failureError("TOKENS_UNREADABLE", `the file of tokens ${path} is of no use: ${problem}`, {
    facts: { path },
  });
}

function nameTaken({ name, id, expires }: TokenRecord) {
  return failureError(
    "TOKEN_NAME_TAKEN",
    `there is a token "${name}" already, good until ${expires}; choose another name, or revoke it first: ` +
      `connect-plugin token revoke ${id}`,
    { facts: { name, id, expires } },
  );
}

function unknownToken(id: string, path: string) {
  // What was given for an id may be a whole token.
  const shown = /^[A-Za-z0-9_-]{1,22}$/.test(id) ? ` ${id}` : "";
  return failureError(
    "TOKEN_UNKNOWN",
    `there is no token with the id${shown} in ${path}; connect-plugin token list shows those that there are`,
    { facts: { path } },
  );
}

function isCode(error: unknown, code: string): boolean {
  return isFileError(error) && error.code === code;
}

function isFileError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}
