import type { DescService } from "@bufbuild/protobuf";
import {
  type Caller,
  type CallFailure,
  HostSessionService,
  Logger,
  PluginControl,
} from "@connect-plugin/protocol";
import { createServiceClient, createTimerWheel, failureInfo, type Implementation } from "@connect-plugin/rpc";
import { ConnectError } from "@connectrpc/connect";
import { describe, expect, test, vi } from "vitest";
import type { Principal } from "../auth/principal.js";
import { createPrincipals } from "../auth/principals.js";
import type { HostEvent } from "../event.js";
import { type Broker, type BrokerOptions, createBroker, type WantedCapability } from "./broker.js";
import type { Capability } from "./capability.js";

// PluginControl stands for any capability of two methods: GetHealth answers at once, Shutdown when it is told to.

const service = PluginControl.typeName;

interface World {
  readonly broker: Broker;
  readonly events: HostEvent[];
  readonly kv: Principal;
  readonly api: Principal;
  /** Holders for whom the capability was made. */
  readonly holders: Caller[];
  /** Lets all calls of Shutdown go on. */
  release(): void;
  readonly shutdowns: { aborted: boolean }[];
}

function createWorld(options: Partial<BrokerOptions> = {}): World {
  const principals = createPrincipals();
  const events: HostEvent[] = [];
  const holders: Caller[] = [];
  const shutdowns: { aborted: boolean }[] = [];
  const waiting: (() => void)[] = [];
  const control: Capability = {
    desc: PluginControl,
    version: "1.4.0",
    implementation(holder): Implementation<typeof PluginControl> {
      holders.push(holder);
      return {
        getHealth: (_request, call) => ({ reason: `${holder.name} ${call.caller.name}` }),
        async shutdown(_request, call) {
          const mine = { aborted: false };
          shutdowns.push(mine);
          call.signal.addEventListener("abort", () => {
            mine.aborted = true;
          });
          await new Promise<void>((resolve) => waiting.push(resolve));
          return { acknowledged: true };
        },
      };
    },
  };
  return {
    broker: createBroker({
      capabilities: { [service]: control },
      emit: (event) => events.push(event),
      ...options,
    }),
    events,
    kv: principals.plugin({ plugin: "kv", instanceId: "kv-1" }),
    api: principals.plugin({ plugin: "api", instanceId: "api-1" }),
    holders,
    release: () => {
      for (const resolve of waiting.splice(0)) resolve();
    },
    shutdowns,
  };
}

function want(fields: Partial<WantedCapability> = {}): WantedCapability {
  return { service, methods: [], reason: "a test", ...fields };
}

function grantOf(broker: Broker, principal: Principal, wanted: Partial<WantedCapability> = {}) {
  const granted = broker.request(principal, want(wanted));
  if (granted.kind === "failure") throw new Error(granted.failure.message);
  return granted;
}

function failureOf(result: { readonly kind: string; readonly failure?: CallFailure }): CallFailure {
  if (result.failure === undefined) throw new Error("expected a failure");
  return result.failure;
}

function useOf(
  broker: Broker,
  principal: Principal,
  grantId: string | undefined,
  method: string,
  wanted = service,
) {
  return broker.use(principal, grantId, wanted, method);
}

/** Calls a capability under a grant, as the router does. */
function clientOf<S extends DescService>(
  desc: S,
  broker: Broker,
  principal: Principal,
  grantId: string | undefined,
) {
  return createServiceClient(desc, {
    start(head, responses) {
      const use = broker.use(principal, grantId, head.service, head.method);
      if (use.kind === "failure") throw new Error(use.failure.message);
      return use.handler.start({ ...head, chain: principal.chain }, responses);
    },
  });
}

describe("request", () => {
  test("grants what is asked for, for a time, and says so", () => {
    const { broker, events, kv } = createWorld();
    const granted = grantOf(broker, kv, { range: "^1.2.0", methods: ["GetHealth"] });
    expect(granted).toMatchObject({ service, version: "1.4.0", methods: ["GetHealth"] });
    expect(granted.expiresInMs).toBeGreaterThan(299_000);
    expect(granted.expiresInMs).toBeLessThanOrEqual(300_000);
    expect(Buffer.from(granted.bearer, "base64url")).toHaveLength(32);
    expect(events).toEqual([
      { type: "grant.issued", plugin: "kv", capability: service, grantId: granted.grantId },
    ]);
    expect(broker.size).toBe(1);
  });

  test("knows what is lent", () => {
    const { broker, kv } = createWorld();
    expect(broker.capabilities).toEqual([
      { service: Logger.typeName, version: "1.0.0" },
      { service, version: "1.4.0" },
    ]);
    expect(broker.lends(service)).toBe("by-grant");
    expect(broker.lends(Logger.typeName)).toBe("to-all");
    expect(broker.lends("vault.v1.Vault")).toBe("no");
    expect(failureOf(broker.request(kv, want({ service: "vault.v1.Vault" })))).toMatchObject({
      code: 5,
      message: `this host lends no capability "vault.v1.Vault"; it lends ${Logger.typeName}, ${service}`,
      info: { reason: "CAPABILITY_UNKNOWN", facts: { capability: "vault.v1.Vault" } },
    });
  });

  test("refuses other versions", () => {
    const { broker, kv } = createWorld();
    expect(failureOf(broker.request(kv, want({ range: "^2.0.0" })))).toMatchObject({
      code: 9,
      message: `capability ${service} is wanted in version "^2.0.0", but this host lends 1.4.0`,
      info: { reason: "VERSION_NOT_PROVIDED", facts: { range: "^2.0.0", found: "1.4.0" } },
    });
    expect(failureOf(broker.request(kv, want({ minVersion: "1.5.0" }))).message).toBe(
      `capability ${service} is wanted in version ">=1.5.0", but this host lends 1.4.0`,
    );
    for (const wanted of [{ minVersion: "1.4.0" }, { minVersion: "" }, { range: "*" }, {}])
      grantOf(broker, kv, wanted);
  });

  test("refuses methods that there are not", () => {
    const { broker, kv } = createWorld();
    expect(failureOf(broker.request(kv, want({ methods: ["GetHealth", "Steal"] })))).toMatchObject({
      code: 12,
      message: `capability ${service} has no method "Steal"; it has GetHealth, Shutdown`,
      info: { reason: "UNKNOWN_METHOD" },
    });
  });

  test("f-3-2: bounds the grants of a plugin, all its instances together", () => {
    const { broker, kv, api } = createWorld({ limits: { grantsPerPlugin: 2 } });
    const second = createPrincipals().plugin({ plugin: "kv", instanceId: "kv-2" });
    const { grantId } = grantOf(broker, kv);
    grantOf(broker, second);
    expect(failureOf(broker.request(kv, want()))).toMatchObject({
      code: 8,
      message:
        'plugin "kv" holds 2 grants, which is as many as it may; keep a grant and use it again until it expires',
      info: { reason: "GRANT_QUOTA", facts: { plugin: "kv", limit: "2" } },
    });
    grantOf(broker, api);
    broker.revoke(grantId, "test");
    grantOf(broker, kv);
  });

  test("asks the policy, and tells it the reason", () => {
    const asked: unknown[] = [];
    const { broker, kv } = createWorld({
      authorize: (principal, action) => {
        asked.push(principal, action);
        const failure = {
          code: 7,
          message: "no",
          info: undefined,
          details: [],
          metadata: [],
          notDelivered: false,
        };
        return { allow: false, failure };
      },
    });
    expect(failureOf(broker.request(kv, want({ methods: ["GetHealth"] }))).message).toBe("no");
    expect(asked).toEqual([kv, { kind: "capability", service, methods: ["GetHealth"], reason: "a test" }]);
    expect(broker.size).toBe(0);
  });
});

describe("use", () => {
  test("gives the capability as it serves this holder, made once", async () => {
    const { broker, kv, api, holders } = createWorld();
    const control = clientOf(PluginControl, broker, kv, grantOf(broker, kv).grantId);
    expect((await control.getHealth({})).reason).toBe("kv kv");
    const again = clientOf(PluginControl, broker, kv, grantOf(broker, kv).grantId);
    expect((await again.getHealth({})).reason).toBe("kv kv");
    grantOf(broker, api);
    expect(holders).toEqual([kv.caller, api.caller]);
  });

  test("needs a grant", () => {
    const { broker, kv } = createWorld();
    expect(failureOf(useOf(broker, kv, undefined, "GetHealth"))).toMatchObject({
      code: 16,
      message: `capability ${service} is called without a grant; ask the host's CapabilityBroker for one first`,
      info: { reason: "GRANT_INVALID" },
    });
  });

  test("g-05: needs a grant of its own, of this capability and this method", () => {
    const { broker, kv, api } = createWorld();
    const { grantId } = grantOf(broker, kv, { methods: ["GetHealth"] });
    expect(useOf(broker, kv, grantId, "GetHealth")).toMatchObject({ kind: "granted", methodKind: "unary" });
    for (const [principal, id] of [
      [api, grantId],
      [kv, "unknown"],
      [kv, ""],
    ] as const) {
      expect(failureOf(useOf(broker, principal, id, "GetHealth"))).toMatchObject({
        code: 16,
        message: `the grant under which "${service}" is called is not one of the caller's; ask for a new one`,
        info: { reason: "GRANT_INVALID" },
      });
    }
    expect(failureOf(useOf(broker, kv, grantId, "Shutdown"))).toMatchObject({
      code: 7,
      message: `the grant covers GetHealth of ${service}, not "Shutdown"; ask for one that covers it`,
      info: { reason: "GRANT_SCOPE", facts: { capability: service, wanted: "Shutdown" } },
    });
    expect(failureOf(useOf(broker, kv, grantId, "Log", Logger.typeName))).toMatchObject({
      code: 7,
      message: `the grant covers GetHealth of ${service}, not "${Logger.typeName}"; ask for one that covers it`,
      info: { reason: "GRANT_SCOPE" },
    });
    expect(failureOf(useOf(broker, kv, grantId, "Steal")).info?.reason).toBe("UNKNOWN_METHOD");
    expect(failureOf(useOf(broker, kv, grantId, "Get", "vault.v1.Vault")).info?.reason).toBe(
      "CAPABILITY_UNKNOWN",
    );
  });
});

describe("expiry", () => {
  test("ends a grant, on time and by itself, but not the calls under it", async () => {
    vi.useFakeTimers({ now: 1_000_000 });
    try {
      const wheel = createTimerWheel();
      const { broker, events, kv, release } = createWorld({ limits: { ttlMs: 1_000 }, wheel });
      const { grantId, bearer } = grantOf(broker, kv);
      const running = clientOf(PluginControl, broker, kv, grantId).shutdown({}, { timeoutMs: 60_000 });
      await vi.advanceTimersByTimeAsync(990);
      expect(useOf(broker, kv, grantId, "GetHealth").kind).toBe("granted");
      await vi.advanceTimersByTimeAsync(20);
      expect(broker.size).toBe(0);
      expect(events.at(-1)).toEqual({
        type: "grant.ended",
        plugin: "kv",
        capability: service,
        grantId,
        reason: "it expired",
      });
      expect(failureOf(useOf(broker, kv, grantId, "GetHealth"))).toMatchObject({
        code: 16,
        message: `the grant for capability ${service} has expired; ask for a new one`,
        info: { reason: "GRANT_EXPIRED" },
      });
      expect(broker.holderOf(grantId, bearer)).toBeUndefined();
      release();
      expect((await running).acknowledged).toBe(true);
      expect(wheel.size).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test("is told only to whom the grant belonged", () => {
    vi.useFakeTimers({ now: 1_000_000 });
    try {
      const { broker, kv, api } = createWorld({ limits: { ttlMs: 10 } });
      const { grantId } = grantOf(broker, kv);
      vi.advanceTimersByTime(100);
      expect(failureOf(useOf(broker, api, grantId, "GetHealth")).info?.reason).toBe("GRANT_INVALID");
    } finally {
      vi.useRealTimers();
    }
  });

  test("counts before the timer has come", () => {
    const clock = { now: performance.now() };
    const { broker, kv } = createWorld({ now: () => clock.now });
    const { grantId, bearer } = grantOf(broker, kv);
    clock.now += 300_000;
    expect(failureOf(useOf(broker, kv, grantId, "GetHealth")).info?.reason).toBe("GRANT_EXPIRED");
    expect(broker.holderOf(grantId, bearer)).toBeUndefined();
    broker.end(kv);
  });
});

describe("narrow", () => {
  test("makes a grant of less, that ends with its origin", () => {
    const { broker, kv } = createWorld();
    const wide = grantOf(broker, kv);
    const narrow = broker.narrow(kv, wide.grantId, ["GetHealth"]);
    if (narrow.kind === "failure") throw new Error(narrow.failure.message);
    expect(narrow.methods).toEqual(["GetHealth"]);
    expect(narrow.expiresInMs).toBeLessThanOrEqual(wide.expiresInMs);
    expect(failureOf(useOf(broker, kv, narrow.grantId, "Shutdown")).info?.reason).toBe("GRANT_SCOPE");
    broker.revoke(wide.grantId, "test");
    expect(failureOf(useOf(broker, kv, narrow.grantId, "GetHealth")).info?.reason).toBe("GRANT_INVALID");
    expect(broker.size).toBe(0);
  });

  test("never makes one of more", () => {
    const { broker, kv, api } = createWorld();
    const { grantId } = grantOf(broker, kv, { methods: ["GetHealth"] });
    for (const methods of [["Shutdown"], ["GetHealth", "Shutdown"], []]) {
      expect(failureOf(broker.narrow(kv, grantId, methods))).toMatchObject({
        code: 7,
        message: `the grant covers GetHealth of ${service}, not "${methods.join(", ")}"; ask for one that covers it`,
        info: { reason: "GRANT_SCOPE" },
      });
    }
    expect(failureOf(broker.narrow(api, grantId, ["GetHealth"])).info?.reason).toBe("GRANT_INVALID");
    const all = grantOf(broker, kv).grantId;
    expect(failureOf(broker.narrow(kv, all, ["Steal"])).info?.reason).toBe("UNKNOWN_METHOD");
    expect(broker.size).toBe(2);
  });

  test("and when the narrower one ends, the wider one stays", () => {
    const { broker, kv } = createWorld();
    const wide = grantOf(broker, kv);
    const narrow = broker.narrow(kv, wide.grantId, ["GetHealth"]);
    if (narrow.kind === "failure") throw new Error(narrow.failure.message);
    broker.revoke(narrow.grantId, "test");
    expect(useOf(broker, kv, wide.grantId, "Shutdown").kind).toBe("granted");
  });
});

describe("revoke", () => {
  test("ends a grant and the calls under it, and no others", async () => {
    const { broker, events, kv, release, shutdowns } = createWorld();
    const { grantId } = grantOf(broker, kv);
    const other = grantOf(broker, kv);
    const cut = clientOf(PluginControl, broker, kv, grantId).shutdown({});
    const going = clientOf(PluginControl, broker, kv, other.grantId).shutdown({});
    await expect.poll(() => shutdowns.length).toBe(2);
    broker.revoke(grantId, "the operator said so");
    broker.revoke(grantId, "again");
    const error: unknown = await cut.catch((thrown: unknown) => thrown);
    if (!(error instanceof ConnectError)) throw new Error("expected a ConnectError");
    expect([error.code, error.rawMessage]).toEqual([
      1,
      `the grant for capability ${service} was withdrawn during the call: the operator said so`,
    ]);
    expect(failureInfo(error)).toMatchObject({ reason: "CANCELLED", fault: "host" });
    expect(shutdowns.map(({ aborted }) => aborted)).toEqual([true, false]);
    release();
    expect((await going).acknowledged).toBe(true);
    expect(events.filter(({ type }) => type === "grant.ended")).toEqual([
      { type: "grant.ended", plugin: "kv", capability: service, grantId, reason: "the operator said so" },
    ]);
  });
});

describe("end", () => {
  test("takes everything from a holder, for good", async () => {
    const wheel = createTimerWheel();
    const { broker, events, kv, api, shutdowns, release } = createWorld({ wheel });
    const { grantId } = grantOf(broker, kv);
    const theirs = grantOf(broker, api);
    const cut = clientOf(PluginControl, broker, kv, grantId).shutdown({});
    await expect.poll(() => shutdowns.length).toBe(1);
    broker.end(kv);
    broker.end(kv);
    await expect(cut).rejects.toThrow("was withdrawn during the call: its instance is gone");
    expect(shutdowns).toEqual([{ aborted: true }]);
    expect(events.at(-1)).toMatchObject({
      type: "grant.ended",
      plugin: "kv",
      reason: "its instance is gone",
    });
    expect(broker.size).toBe(1);
    for (const failure of [
      failureOf(broker.request(kv, want())),
      failureOf(useOf(broker, kv, undefined, "Log", Logger.typeName)),
    ]) {
      expect(failure).toMatchObject({
        code: 16,
        message: `the instance ${kv.runtimeId} is gone: it is lent nothing any more`,
        info: { reason: "CREDENTIAL_INVALID" },
      });
    }
    expect(useOf(broker, api, theirs.grantId, "GetHealth").kind).toBe("granted");
    release();
    broker.end(api);
    expect(broker.size).toBe(0);
    expect(wheel.size).toBe(0);
  });
});

describe("holderOf", () => {
  test("knows the holder by id and bearer together", () => {
    const { broker, kv } = createWorld();
    const one = grantOf(broker, kv);
    const other = grantOf(broker, kv);
    expect(broker.holderOf(one.grantId, one.bearer)).toBe(kv);
    expect(broker.holderOf(one.grantId, other.bearer)).toBeUndefined();
    expect(broker.holderOf("unknown", one.bearer)).toBeUndefined();
  });
});

describe("createBroker", () => {
  test("takes a capability only under its own name and in a real version", () => {
    const capability: Capability = { desc: HostSessionService, version: "1.0.0", implementation: () => ({}) };
    expect(() => createBroker({ capabilities: { other: capability }, emit: () => {} })).toThrow(
      new TypeError(
        `capabilities["other"]: wanted the service of this name, got ${HostSessionService.typeName}`,
      ),
    );
    const name = HostSessionService.typeName;
    expect(() =>
      createBroker({ capabilities: { [name]: { ...capability, version: "1" } }, emit: () => {} }),
    ).toThrow(new TypeError(`capabilities["${name}"].version: wanted a semantic version, got "1"`));
  });

  test("takes only limits that are some", () => {
    expect(() => createWorld({ limits: { ttlMs: Number.NaN } })).toThrow(
      new RangeError("limits.ttlMs: wanted 1 or more, got NaN"),
    );
  });
});
