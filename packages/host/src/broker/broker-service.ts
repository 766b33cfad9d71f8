import { durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  type CallFailure,
  type CallHandler,
  CapabilityBroker,
  createFailure,
  quoted,
  type RequestCapabilityRequest,
  type RequiredService,
} from "@connect-plugin/protocol";
import {
  createServiceEnd,
  type Implementation,
  type ServiceEndOptions,
  toConnectError,
} from "@connect-plugin/rpc";
import type { Principal } from "../auth/principal.js";
import type { Broker, WantedCapability } from "./broker.js";
import { outsideGrant } from "./grant-failures.js";

export interface BrokerServiceOptions extends Pick<ServiceEndOptions, "inflate"> {
  /** What the principal's manifest requires: it is granted no more. Default: it may ask for everything. */
  readonly requires?: readonly RequiredService[];
}

/** `connectplugin.v1.CapabilityBroker` for one principal. */
export function createBrokerService(
  broker: Broker,
  principal: Principal,
  options: BrokerServiceOptions = {},
): CallHandler {
  const implementation: Implementation<typeof CapabilityBroker> = {
    requestCapability(request) {
      const wanted = readRequest(request);
      const objection = checkManifest(broker, principal, options.requires, wanted);
      if (objection !== undefined) throw toConnectError(objection);
      const granted = broker.request(principal, wanted);
      if (granted.kind === "failure") throw toConnectError(granted.failure);
      return {
        grant: {
          grantId: granted.grantId,
          bearerToken: granted.bearer,
          capabilityType: granted.service,
          version: granted.version,
          expiresIn: durationFromMs(Math.floor(granted.expiresInMs)),
          methods: [...granted.methods],
        },
      };
    },
  };
  return createServiceEnd({
    inflate: options.inflate,
    services: [{ desc: CapabilityBroker, implementation }],
  });
}

function readRequest(request: RequestCapabilityRequest): WantedCapability {
  const { capabilityType: service, range, minVersion, methods, reason } = request;
  const version = range === "" ? { minVersion } : { range };
  return { service, ...version, methods: [...new Set(methods)], reason };
}

/** Nobody is granted what its manifest does not ask for; what all are lent needs no asking. */
function checkManifest(
  broker: Broker,
  principal: Principal,
  requires: readonly RequiredService[] | undefined,
  wanted: WantedCapability,
): CallFailure | undefined {
  const { service } = wanted;
  if (requires === undefined || broker.lends(service) !== "by-grant") return undefined;
  const needs = requires.filter((need) => need.arity === "capability" && need.service === service);
  if (needs.length === 0) {
    return createFailure(
      "NOT_REQUIRED",
      `plugin "${principal.name}" asks for capability ${quoted(service)}, which its manifest does not require; add it to "requires" with capability()`,
      { facts: { caller: principal.name, capability: service } },
    );
  }
  if (needs.some((need) => need.methods.length === 0)) return undefined;
  const declared = needs.flatMap((need) => need.methods);
  const beyond =
    wanted.methods.length === 0 ? "all methods" : wanted.methods.find((name) => !declared.includes(name));
  return beyond === undefined ? undefined : outsideGrant(service, declared, beyond);
}
