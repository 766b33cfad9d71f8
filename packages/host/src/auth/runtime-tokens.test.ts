import { describe, expect, test } from "vitest";
import { createPrincipals } from "./principals.js";
import { createRuntimeTokens } from "./runtime-tokens.js";

const principals = createPrincipals();
const kv = principals.plugin({ plugin: "kv", instanceId: "i1" });

function tokensAt(start = 0) {
  const clock = { now: start };
  return { clock, tokens: createRuntimeTokens({ ttlMs: 1_000, now: () => clock.now }) };
}

const unknown = "the runtime token is not one of this host's, or was revoked";

describe("createRuntimeTokens", () => {
  test("a token proves its principal until it expires", () => {
    const { clock, tokens } = tokensAt();
    const { token, expiresInMs } = tokens.issue(kv);
    expect(expiresInMs).toBe(1_000);
    clock.now = 999;
    expect(tokens.verify(token)).toEqual({ kind: "verified", principal: kv });
    clock.now = 1_000;
    expect(tokens.verify(token)).toMatchObject({
      kind: "failure",
      failure: {
        code: 16,
        message: "the runtime token has expired: renew it before it does",
        info: { reason: "CREDENTIAL_INVALID" },
      },
    });
  });

  test("anything else proves nothing", () => {
    const { tokens } = tokensAt();
    const { token } = tokens.issue(kv);
    const [id, secret] = token.split(".");
    for (const forged of [
      "",
      ".",
      token.slice(0, -1),
      `${token}x`,
      `${id}.`,
      `.${secret}`,
      `${secret}.${id}`,
      `x${token}`,
    ]) {
      expect(tokens.verify(forged)).toMatchObject({ kind: "failure", failure: { message: unknown } });
    }
  });

  test("renewing leaves the one before good", () => {
    const { tokens } = tokensAt();
    const first = tokens.issue(kv).token;
    const second = tokens.issue(kv).token;
    expect(tokens.verify(first).kind).toBe("verified");
    expect(tokens.verify(second).kind).toBe("verified");
  });

  test("keeps only the newest few of a principal", () => {
    const { tokens } = tokensAt();
    const issued = Array.from({ length: 10 }, () => tokens.issue(kv).token);
    expect(tokens.size).toBe(4);
    expect(issued.map((token) => tokens.verify(token).kind)).toEqual([
      ...Array(6).fill("failure"),
      ...Array(4).fill("verified"),
    ]);
  });

  test("forgets expired ones when a new one is issued", () => {
    const { clock, tokens } = tokensAt();
    tokens.issue(kv);
    clock.now = 2_000;
    tokens.issue(kv);
    expect(tokens.size).toBe(1);
  });

  test("revokes all of a principal at once", () => {
    const { tokens } = tokensAt();
    const other = principals.plugin({ plugin: "audit", instanceId: "i2" });
    const mine = [tokens.issue(kv).token, tokens.issue(kv).token];
    const theirs = tokens.issue(other).token;
    tokens.revoke(kv);
    tokens.revoke(kv);
    for (const token of mine) expect(tokens.verify(token)).toMatchObject({ failure: { message: unknown } });
    expect(tokens.verify(theirs)).toEqual({ kind: "verified", principal: other });
    expect(tokens.size).toBe(1);
  });

  test("refuses a life that is none", () => {
    expect(() => createRuntimeTokens({ ttlMs: 0 })).toThrow(
      new RangeError("ttlMs: wanted more than 0, got 0"),
    );
  });
});
