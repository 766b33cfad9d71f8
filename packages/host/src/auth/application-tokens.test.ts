import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { failureInfo } from "@connect-plugin/rpc";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createApplicationTokens } from "./application-tokens.js";
import type { Principal } from "./principal.js";
import { createPrincipals } from "./principals.js";
import { createRuntimeTokens } from "./runtime-tokens.js";
import { openTokenFile } from "./token-file.js";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tokens-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function createTest() {
  const time = { now: Date.parse("2030-01-01T00:00:00Z") };
  const path = join(directory, "private", "tokens.json");
  const ended: Principal[] = [];
  const problems: unknown[] = [];
  const file = openTokenFile(path, { now: () => time.now });
  const principals = createPrincipals();
  const tokens = createApplicationTokens({
    path,
    principals,
    onEnd: (principal) => ended.push(principal),
    onProblem: (problem) => problems.push(problem),
    now: () => time.now,
  });
  const principalOf = (token: string) => {
    const verified = tokens.verify(token);
    return verified.kind === "verified" ? verified.principal : undefined;
  };
  return { time, path, file, tokens, ended, problems, principals, principalOf };
}

const reasonOf = async (promise: Promise<unknown>) =>
  await promise.then(
    () => "none",
    (error: unknown) => failureInfo(error)?.reason ?? String(error),
  );

describe("a token", () => {
  it("is good from the moment that it is made, as one identity with its name and claims", async () => {
    const { file, tokens, principalOf } = createTest();
    expect(tokens.size).toBe(0);
    const { token, record } = await file.create({ name: "shop", claims: { team: "checkout" } });
    const principal = principalOf(token);
    expect(principal).toMatchObject({
      kind: "external",
      name: "shop",
      caller: { claims: { team: "checkout" } },
    });
    expect(principalOf(token)).toBe(principal);
    expect(tokens.size).toBe(1);
    // Another token changes nothing for this one.
    await file.create({ name: "other" });
    expect(principalOf(token)).toBe(principal);
    expect(record).toMatchObject({
      expires: "2030-04-01T00:00:00.000Z",
      created: "2030-01-01T00:00:00.000Z",
    });
  });

  it("is kept as a digest, in a file of its owner's only, and nothing else is left beside it", async () => {
    const { file, path } = createTest();
    const { token, record } = await file.create({ name: "shop" });
    const [id = "", secret = ""] = token.split(".");
    const text = readFileSync(path, "utf8");
    expect(text).toContain(id);
    expect(text).not.toContain(secret);
    expect(Buffer.from(record.digest, "base64url")).toHaveLength(32);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, "private")).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(directory, "private"))).toEqual(["tokens.json"]);
  });

  it("is bad once it is revoked, and its identity ends", async () => {
    const { file, ended, tokens, principalOf } = createTest();
    const { token, record } = await file.create({ name: "shop" });
    const principal = principalOf(token);
    expect(await file.revoke(record.id)).toEqual(record);
    expect(tokens.verify(token)).toMatchObject({
      kind: "failure",
      failure: { message: expect.stringContaining("was revoked"), info: { reason: "CREDENTIAL_INVALID" } },
    });
    expect(ended).toEqual([principal]);
    expect(await reasonOf(file.revoke(record.id))).toBe("TOKEN_UNKNOWN");
  });

  it("is bad once it has expired, and its identity ends without anybody asking", async () => {
    const { file, ended, time, tokens, principalOf } = createTest();
    const { token } = await file.create({ name: "shop", expiresInMs: 1_000 });
    const principal = principalOf(token);
    time.now += 999;
    tokens.sweep();
    expect(principalOf(token)).toBe(principal);
    time.now += 1;
    tokens.sweep();
    expect(ended).toEqual([principal]);
    expect(tokens.verify(token)).toMatchObject({
      failure: { message: expect.stringContaining('the token "shop" expired at 2030-01-01T00:00:01.000Z') },
    });
    expect(tokens.size).toBe(0);
    // Its name is free again.
    await file.create({ name: "shop" });
  });

  it.each([
    ["of another secret", (token: string) => `${token.slice(0, -4)}AAAA`],
    ["of another id", (token: string) => `${"A".repeat(22)}${token.slice(22)}`],
    ["without a secret", (token: string) => token.slice(0, 23)],
    ["that is only a secret", (token: string) => token.slice(23)],
    ["of a plugin", () => createRuntimeTokens().issue(createPrincipals().host).token],
  ])("%s is none", async (_, change) => {
    const { file, tokens } = createTest();
    const { token } = await file.create({ name: "shop" });
    const shown = change(token);
    const verified = tokens.verify(shown);
    expect(verified).toMatchObject({ kind: "failure", failure: { info: { reason: "CREDENTIAL_INVALID" } } });
    expect(JSON.stringify(verified)).not.toContain(shown.slice(-20));
  });
});

describe("the file", () => {
  it("holds all of many that are made at once", async () => {
    const { file, path } = createTest();
    const others = Array.from({ length: 8 }, () => openTokenFile(path));
    const made = await Promise.all(others.map((other, index) => other.create({ name: `app-${index}` })));
    expect((await file.list()).map(({ id }) => id).sort()).toEqual(
      made.map(({ record }) => record.id).sort(),
    );
  });

  it("refuses a second token of a name, and what is no name or time", async () => {
    const { file } = createTest();
    await file.create({ name: "shop" });
    expect(await reasonOf(file.create({ name: "shop" }))).toBe("TOKEN_NAME_TAKEN");
    await expect(file.create({ name: "No Name" })).rejects.toThrow(TypeError);
    await expect(file.create({ name: "a", expiresInMs: 0 })).rejects.toThrow(
      "expiresInMs: wanted more than 0",
    );
  });

  it.each([
    ["no JSON", "{", "it is no JSON"],
    ["another format", '{"format":2,"tokens":[]}', 'wanted "format": 1'],
    ["a token without a digest", '{"format":1,"tokens":[{"id":"a"}]}', "token 0 is malformed"],
  ])("lets nobody in while it is %s, and says so once", async (_, text, message) => {
    const { file, path, ended, problems, tokens, principalOf } = createTest();
    const { token } = await file.create({ name: "shop" });
    const principal = principalOf(token);
    const good = readFileSync(path, "utf8");
    writeFileSync(path, text);
    await turn();
    expect(tokens.verify(token)).toMatchObject({ kind: "failure" });
    await turn();
    expect(tokens.verify(token)).toMatchObject({ kind: "failure" });
    expect(problems).toHaveLength(1);
    expect(String(problems[0])).toContain(message);
    expect(ended).toEqual([principal]);
    expect(await reasonOf(file.create({ name: "other" }))).toBe("TOKENS_UNREADABLE");
    writeFileSync(path, good);
    await turn();
    expect(principalOf(token)).toMatchObject({ name: "shop" });
  });

  it("lets nobody in while others may open it", async () => {
    const { file, path, problems, principalOf } = createTest();
    const { token } = await file.create({ name: "shop" });
    chmodSync(path, 0o640);
    await turn();
    expect(principalOf(token)).toBeUndefined();
    expect(String(problems[0])).toContain(`chmod 600 ${path}`);
    chmodSync(path, 0o600);
    await turn();
    expect(principalOf(token)).toMatchObject({ name: "shop" });
  });
});
