import { CapabilityBroker, Logger, PluginControl, type RequiredService } from "@connect-plugin/protocol";
import { createServiceClient, failureInfo } from "@connect-plugin/rpc";
import { ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { createPrincipals } from "../auth/principals.js";
import { createBroker } from "./broker.js";
import { createBrokerService } from "./broker-service.js";

const capabilityType = PluginControl.typeName;

function serve(requires?: readonly RequiredService[]) {
  const implementation = () => ({ getHealth: () => ({}), shutdown: () => ({}) });
  const control = { desc: PluginControl, version: "1.4.0", implementation };
  const broker = createBroker({ capabilities: { [capabilityType]: control }, emit: () => {} });
  const kv = createPrincipals().plugin({ plugin: "kv", instanceId: "kv-1" });
  const handler = createBrokerService(broker, kv, requires === undefined ? {} : { requires });
  return { broker, kv, client: createServiceClient(CapabilityBroker, handler) };
}

function need(methods: readonly string[], arity: RequiredService["arity"] = "capability"): RequiredService {
  return { key: "control", service: capabilityType, range: "^1", arity, methods };
}

async function failureOf(answer: Promise<unknown>) {
  const error: unknown = await answer.catch((thrown: unknown) => thrown);
  if (!(error instanceof ConnectError)) throw new Error("expected a ConnectError");
  return { code: error.code, message: error.rawMessage, reason: failureInfo(error)?.reason };
}

describe("RequestCapability", () => {
  test("answers with a grant that can be used", async () => {
    const { broker, kv, client } = serve();
    const { grant } = await client.requestCapability({
      capabilityType,
      range: "^1.0.0",
      methods: ["GetHealth", "GetHealth"],
    });
    expect(grant).toMatchObject({
      capabilityType,
      version: "1.4.0",
      methods: ["GetHealth"],
      endpointUrl: "",
    });
    expect(grant?.expiresIn?.seconds).toBeGreaterThanOrEqual(299n);
    if (grant === undefined) throw new Error("expected a grant");
    expect(broker.use(kv, grant.grantId, capabilityType, "GetHealth").kind).toBe("granted");
    expect(broker.holderOf(grant.grantId, grant.bearerToken)).toBe(kv);
    broker.end(kv);
  });

  test("understands peers that ask for a minimum", async () => {
    const { broker, kv, client } = serve();
    expect((await client.requestCapability({ capabilityType, minVersion: "1.0.0" })).grant?.version).toBe(
      "1.4.0",
    );
    expect(await failureOf(client.requestCapability({ capabilityType, minVersion: "2.0.0" }))).toEqual({
      code: 9,
      message: `capability ${capabilityType} is wanted in version ">=2.0.0", but this host lends 1.4.0`,
      reason: "VERSION_NOT_PROVIDED",
    });
    broker.end(kv);
  });

  test("says why not", async () => {
    const { client } = serve();
    expect(await failureOf(client.requestCapability({ capabilityType: "vault.v1.Vault" }))).toEqual({
      code: 5,
      message: `this host lends no capability "vault.v1.Vault"; it lends ${Logger.typeName}, ${capabilityType}`,
      reason: "CAPABILITY_UNKNOWN",
    });
  });

  test("grants only what the manifest requires, and as a capability", async () => {
    for (const requires of [[], [need([], "one")]]) {
      expect(await failureOf(serve(requires).client.requestCapability({ capabilityType }))).toEqual({
        code: 7,
        message: `plugin "kv" asks for capability "${capabilityType}", which its manifest does not require; add it to "requires" with capability()`,
        reason: "NOT_REQUIRED",
      });
    }
  });

  test("grants only the methods that the manifest names", async () => {
    const { broker, kv, client } = serve([need(["GetHealth"])]);
    await client.requestCapability({ capabilityType, methods: ["GetHealth"] });
    for (const [methods, found] of [
      [["Shutdown"], "Shutdown"],
      [[], "all methods"],
    ] as const) {
      expect(await failureOf(client.requestCapability({ capabilityType, methods: [...methods] }))).toEqual({
        code: 7,
        message: `the grant covers GetHealth of ${capabilityType}, not "${found}"; ask for one that covers it`,
        reason: "GRANT_SCOPE",
      });
    }
    broker.end(kv);
  });

  test("grants all methods where the manifest asks for all", async () => {
    const { broker, kv, client } = serve([need(["GetHealth"]), need([])]);
    expect((await client.requestCapability({ capabilityType })).grant?.methods).toEqual([]);
    broker.end(kv);
  });

  test("grants the logger to everybody", async () => {
    const { broker, kv, client } = serve([]);
    const { grant } = await client.requestCapability({ capabilityType: Logger.typeName });
    if (grant === undefined) throw new Error("expected a grant");
    expect(broker.use(kv, grant.grantId, Logger.typeName, "Log").kind).toBe("granted");
    broker.end(kv);
  });
});
