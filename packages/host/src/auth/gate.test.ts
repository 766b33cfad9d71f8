import { describe, expect, it } from "vitest";
import { createHealthRoutes } from "../server/health-routes.js";
import { createApplicationGate, type GateRequest, PUBLIC_PATHS } from "./gate.js";
import type { Principal } from "./principal.js";
import { createPrincipals } from "./principals.js";
import { createRuntimeTokens } from "./runtime-tokens.js";

const principals = createPrincipals();
const shop = principals.external("shop", {});
const TOKEN = `${"i".repeat(22)}.${"s".repeat(43)}`;

/** A gate that knows one token, and what it was asked about. */
function createTestGate(principal: Principal = shop) {
  const asked: string[] = [];
  const gate = createApplicationGate({
    verify(token) {
      asked.push(token);
      return { kind: "verified", principal };
    },
  });
  return { gate, asked };
}

function requestOf(
  fields: readonly (readonly [string, string])[],
  rest: Partial<GateRequest> = {},
): GateRequest {
  return {
    method: "POST",
    path: "/kv.v1.KvService/Get",
    ...rest,
    fields: (name) => fields.filter(([known]) => known === name).map(([, value]) => value),
  };
}

function refusalOf(fields: readonly (readonly [string, string])[], rest?: Partial<GateRequest>) {
  const { gate, asked } = createTestGate();
  const answer = gate.admit(requestOf(fields, rest));
  if (answer.kind !== "refused") throw new Error(`wanted a refusal, found ${answer.kind}`);
  expect(asked).toEqual([]);
  return { reason: answer.failure.info?.reason, message: answer.failure.message };
}

describe("a request is let in", () => {
  it.each(["Bearer", "bearer", "BEARER"])("as whoever its one token stands for, after %s", (scheme) => {
    const { gate, asked } = createTestGate();
    const answer = gate.admit(requestOf([["authorization", `${scheme} ${TOKEN}`]]));
    expect(answer).toEqual({ kind: "principal", principal: shop });
    expect(asked).toEqual([TOKEN]);
  });

  it.each(PUBLIC_PATHS)("by anybody, to ask %s", (path) => {
    const { gate } = createTestGate();
    for (const method of ["GET", "HEAD"])
      expect(gate.admit(requestOf([], { method, path }))).toEqual({ kind: "public" });
    expect(refusalOf([], { path })).toMatchObject({ reason: "CREDENTIAL_MISSING" });
  });

  it("by anybody to what the door serves as public, and that is the same list", () => {
    const served = createHealthRoutes({ isReady: () => true }).filter((route) => route.public);
    expect(served.map(({ path }) => path).sort()).toEqual([...PUBLIC_PATHS].sort());
  });
});

describe("a request is refused", () => {
  const bearer = ["authorization", `Bearer ${TOKEN}`] as const;

  it.each([
    ["nothing", [], "CREDENTIAL_MISSING"],
    ["only an API key", [["x-api-key", TOKEN]], "CREDENTIAL_MISSING"],
    ["only a runtime id", [["x-plugin-runtime-id", "kv-00000000"]], "CREDENTIAL_MISSING"],
    ["the same token twice", [bearer, bearer], "CREDENTIAL_AMBIGUOUS"],
    ["an API key beside it", [bearer, ["x-api-key", TOKEN]], "CREDENTIAL_AMBIGUOUS"],
    ["a runtime id beside it", [bearer, ["x-plugin-runtime-id", "kv-00000000"]], "CREDENTIAL_AMBIGUOUS"],
    [
      "a proxy's credential beside it",
      [bearer, ["proxy-authorization", "Basic eA=="]],
      "CREDENTIAL_AMBIGUOUS",
    ],
    [
      "two tokens in one field",
      [["authorization", `Bearer ${TOKEN}, Bearer ${TOKEN}`]],
      "CREDENTIAL_AMBIGUOUS",
    ],
    ["an empty field", [["authorization", ""]], "CREDENTIAL_INVALID"],
    ["no scheme", [["authorization", TOKEN]], "CREDENTIAL_INVALID"],
    ["another scheme", [["authorization", `Basic ${TOKEN}`]], "CREDENTIAL_INVALID"],
    ["more behind the token", [["authorization", `Bearer ${TOKEN} x`]], "CREDENTIAL_INVALID"],
    ["a token that is too long", [["authorization", `Bearer ${TOKEN}A`]], "CREDENTIAL_INVALID"],
    ["a secret that is too short", [["authorization", `Bearer ${TOKEN.slice(0, -1)}`]], "CREDENTIAL_INVALID"],
  ] as const)("with %s", (_, fields, reason) => {
    const refusal = refusalOf(fields);
    expect(refusal.reason).toBe(reason);
    expect(refusal.message).not.toContain("sss");
  });

  it("with what its token is refused with", () => {
    const issued = createRuntimeTokens().issue(shop).token;
    const gate = createApplicationGate({ verify: (token) => createRuntimeTokens().verify(token) });
    const answer = gate.admit(requestOf([["authorization", `Bearer ${issued}`]]));
    expect(answer).toMatchObject({ kind: "refused", failure: { info: { reason: "CREDENTIAL_INVALID" } } });
  });
});
