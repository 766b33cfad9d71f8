import type { RequiredService } from "@connect-plugin/protocol";
import { createFailure } from "@connect-plugin/protocol";
import { describe, expect, test } from "vitest";
import { createScriptedProvider, makeCall } from "./fixtures/call-script.js";
import { createTestRouter, need } from "./fixtures/test-router.js";
import type { LentCapabilities } from "./lent-capabilities.js";

const vault: RequiredService = need("vault.v1.Vault", "capability");

/** A host that lends a vault by grant and a log to all. */
function createLender() {
  const handler = createScriptedProvider();
  const uses: unknown[] = [];
  const capabilities: LentCapabilities = {
    lends: (service) =>
      service === "log.v1.Log" ? "to-all" : service === "vault.v1.Vault" ? "by-grant" : "no",
    use(principal, grant, service, method) {
      uses.push([principal.name, grant, service, method]);
      if (grant === "bad")
        return { kind: "failure", failure: createFailure("GRANT_INVALID", "no such grant") };
      return { kind: "granted", handler, methodKind: "unary" };
    },
  };
  return { handler, uses, world: createTestRouter({ capabilities }) };
}

describe("calls of the host's facilities", () => {
  test("are checked each time, and reach the host under the caller's name", () => {
    const { handler, uses, world } = createLender();
    const api = world.caller("api", vault);
    makeCall(api, { service: "vault.v1.Vault", grant: "g1", kind: "unknown" });
    makeCall(api, { service: "vault.v1.Vault", grant: "g2" });
    expect(uses).toEqual([
      ["api", "g1", "vault.v1.Vault", "Get"],
      ["api", "g2", "vault.v1.Vault", "Get"],
    ]);
    expect(handler.calls[0]?.head).toMatchObject({
      kind: "unary",
      grant: undefined,
      chain: { caller: { name: "api" } },
    });
    const call = makeCall(api, { service: "vault.v1.Vault", grant: "bad" });
    expect(call.failure()?.info?.reason).toBe("GRANT_INVALID");
    expect(handler.calls).toHaveLength(2);
    expect(world.router.traffic()).toEqual([]);
  });

  test("must be required, except for what is lent to all", () => {
    const { handler, world } = createLender();
    const api = world.caller("api");
    makeCall(api, { service: "log.v1.Log" });
    expect(handler.calls).toHaveLength(1);
    expect(makeCall(api, { service: "vault.v1.Vault", grant: "g1" }).failure()?.info?.reason).toBe(
      "NOT_REQUIRED",
    );
  });

  test("are not answered by plugins, nor the other way round", () => {
    const { handler, world } = createLender();
    const { provider } = world.provide({ service: "vault.v1.Vault" });
    makeCall(world.caller("api", vault), { service: "vault.v1.Vault", grant: "g1" });
    expect([handler.calls.length, provider.calls.length]).toEqual([1, 0]);
    makeCall(world.caller("web", need("vault.v1.Vault")), { service: "vault.v1.Vault" });
    expect([handler.calls.length, provider.calls.length]).toEqual([1, 1]);
  });

  test("that the host does not lend are refused, even if a plugin provides the service", () => {
    const world = createTestRouter();
    world.provide({ service: "vault.v1.Vault" });
    expect(makeCall(world.caller("api", vault), { service: "vault.v1.Vault" }).failure()).toMatchObject({
      code: 5,
      message: 'this host lends no capability "vault.v1.Vault"',
      info: { reason: "CAPABILITY_UNKNOWN", facts: { service: "vault.v1.Vault" } },
    });
  });
});
