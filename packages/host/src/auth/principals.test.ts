import { describe, expect, test } from "vitest";
import { createPrincipals } from "./principals.js";

describe("createPrincipals", () => {
  test("gives one run of a plugin one identity, however often it is asked", () => {
    const principals = createPrincipals();
    const first = principals.plugin({ plugin: "kv", instanceId: "i1" });
    expect(principals.plugin({ plugin: "kv", instanceId: "i1" })).toBe(first);
    expect(principals.find("i1")).toBe(first);
    expect(first.runtimeId).toMatch(/^kv-[0-9a-f]{16}$/);
  });

  test("gives two runs of a plugin two identities", () => {
    const principals = createPrincipals();
    const first = principals.plugin({ plugin: "kv", instanceId: "i1" });
    const second = principals.plugin({ plugin: "kv", instanceId: "i2" });
    expect(second.runtimeId).not.toBe(first.runtimeId);
  });

  test("tells handlers a caller that nobody can change and that stays the same object", () => {
    const claims = { team: "a" };
    const principal = createPrincipals().plugin({ plugin: "kv", instanceId: "i1", claims });
    claims.team = "b";
    expect(principal.caller).toEqual({
      kind: "plugin",
      name: "kv",
      runtimeId: principal.runtimeId,
      claims: { team: "a" },
    });
    expect(principal.chain).toEqual({ caller: principal.caller, behind: undefined, depth: 1 });
    expect(principal.chain.caller).toBe(principal.caller);
    expect(Object.isFrozen(principal) && Object.isFrozen(principal.caller.claims)).toBe(true);
  });

  test("tries again when a runtime id is taken", () => {
    const given = [1, 2, 2, 3].map((byte) => new Uint8Array(8).fill(byte));
    const principals = createPrincipals({ random: () => given.shift() ?? new Uint8Array(8) });
    expect(principals.host.runtimeId).toBe("host-0101010101010101");
    expect(principals.plugin({ plugin: "kv", instanceId: "i1" }).runtimeId).toBe("kv-0202020202020202");
    expect(principals.plugin({ plugin: "kv", instanceId: "i2" }).runtimeId).toBe("kv-0303030303030303");
  });

  test("makes runtime ids of any name", () => {
    const principals = createPrincipals();
    const { runtimeId } = principals.plugin({ plugin: "../Ä\nB", instanceId: "i1" });
    expect(runtimeId).toMatch(/^[a-z0-9-]+-[0-9a-f]{16}$/);
  });

  test("refuses to give an instance to another plugin", () => {
    const principals = createPrincipals();
    principals.plugin({ plugin: "kv", instanceId: "i1" });
    expect(() => principals.plugin({ plugin: "audit", instanceId: "i1" })).toThrow(
      new TypeError('instance i1 belongs to plugin "kv", not to "audit"'),
    );
  });

  test("forgets an instance that has ended", () => {
    const principals = createPrincipals();
    const first = principals.plugin({ plugin: "kv", instanceId: "i1" });
    principals.end("i1");
    principals.end("i1");
    expect(principals.find("i1")).toBeUndefined();
    expect(principals.plugin({ plugin: "kv", instanceId: "i1" }).runtimeId).not.toBe(first.runtimeId);
  });

  test("knows the host and operators as such", () => {
    const principals = createPrincipals({ hostName: "app" });
    expect(principals.host).toMatchObject({ kind: "host", name: "app" });
    expect(principals.operator("ann")).toMatchObject({ kind: "operator", name: "ann" });
  });
});
