import type { DescService } from "@bufbuild/protobuf";
import { type CallFailure, createFailure, describeValue, quoted } from "@connect-plugin/protocol";
import type { ServedService } from "@connect-plugin/rpc";
import type { Offers } from "../define/offer.js";

/** What `start` returned, once it is known to be what it should be. */
export type CheckedStart =
  | {
      readonly ok: true;
      readonly services: readonly ServedService[];
      readonly stop: (() => unknown) | undefined;
    }
  | { readonly ok: false; readonly failure: CallFailure };

type Problem = readonly ["START_FAILED" | "SERVICE_NOT_IMPLEMENTED" | "SERVICE_NOT_DECLARED", string];

/** Enough to see the pattern; the rest comes to light with the next start. */
const MAX_LISTED = 10;

/**
 * Checks what `start` returned, where types were not there or did not see it: each service that is declared is
 * implemented with all of its methods, and no other is.
 */
export function checkStarted(plugin: string, provides: Offers, returned: unknown): CheckedStart {
  const wanted = describeWanted(provides);
  if (typeof returned !== "object" || returned === null) {
    return refuse(plugin, [
      ["START_FAILED", `start() must return ${wanted}, but returned ${describeValue(returned)}`],
    ]);
  }
  const { services = {}, stop } = returned as { readonly services?: unknown; readonly stop?: unknown };
  const problems: Problem[] = [];
  if (stop !== undefined && typeof stop !== "function") {
    problems.push([
      "START_FAILED",
      `stop must be a function, but start() returned ${describeValue(stop)} for it`,
    ]);
  }
  if (typeof services !== "object" || services === null || Array.isArray(services)) {
    problems.push([
      "START_FAILED",
      `start() must return ${wanted}, but its services are ${describeValue(services)}`,
    ]);
    return refuse(plugin, problems);
  }
  const served = checkServices(provides, services, problems);
  if (problems.length > 0) return refuse(plugin, problems);
  // Called as a method, for whoever returned an instance of a class.
  return {
    ok: true,
    services: served,
    stop: typeof stop === "function" ? () => stop.call(returned) : undefined,
  };
}

function checkServices(provides: Offers, services: object, problems: Problem[]): ServedService[] {
  const served: ServedService[] = [];
  for (const [key, { desc }] of Object.entries(provides)) {
    const implementation: unknown = Reflect.get(services, key);
    if (typeof implementation !== "object" || implementation === null) {
      problems.push([
        "SERVICE_NOT_IMPLEMENTED",
        `provides.${key} declares ${desc.typeName}, but start() returned ${describeValue(implementation)} for services.${key}; return an object with ${methodList(desc)}, or take the declaration out`,
      ]);
      continue;
    }
    problems.push(...checkMethods(key, desc, implementation));
    served.push({ desc, implementation });
  }
  for (const key of Object.keys(services)) {
    if (Object.hasOwn(provides, key)) continue;
    problems.push([
      "SERVICE_NOT_DECLARED",
      `start() returned services.${key}, but the plugin does not declare it; add ${key}: provides(…) to provides, or take it out`,
    ]);
  }
  return served;
}

function checkMethods(key: string, desc: DescService, implementation: object): Problem[] {
  const problems: Problem[] = [];
  for (const method of desc.methods) {
    const found: unknown = Reflect.get(implementation, method.localName);
    if (typeof found === "function") continue;
    const others = Object.keys(implementation).filter(
      (name) => !desc.methods.some((m) => m.localName === name),
    );
    const hint =
      others.length > 0
        ? ` (it has ${others
            .slice(0, MAX_LISTED)
            .map((name) => quoted(name))
            .join(", ")}, which is no method of the service)`
        : "";
    problems.push([
      "SERVICE_NOT_IMPLEMENTED",
      `services.${key} must implement ${desc.typeName}/${method.name} as a function ${method.localName}(), but ${method.localName} is ${describeValue(found)}${hint}`,
    ]);
  }
  return problems;
}

function refuse(plugin: string, problems: readonly Problem[]): CheckedStart {
  const [first] = problems;
  const texts = problems.slice(0, MAX_LISTED).map(([, text]) => text);
  if (problems.length > MAX_LISTED) texts.push(`and ${problems.length - MAX_LISTED} more`);
  const message = texts.length === 1 ? ` ${texts[0]}.` : `\n${texts.map((text) => `  - ${text}`).join("\n")}`;
  const facts = { plugin, phase: "start" };
  return {
    ok: false,
    failure: createFailure(first?.[0] ?? "START_FAILED", `Plugin "${plugin}" cannot start:${message}`, {
      facts,
    }),
  };
}

function describeWanted(provides: Offers): string {
  const keys = Object.keys(provides);
  return keys.length === 0 ? "an object, such as { stop() {} }" : `{ services: { ${keys.join(", ")} } }`;
}

function methodList(desc: DescService): string {
  return desc.methods.map((method) => `${method.localName}()`).join(", ") || "no methods";
}
