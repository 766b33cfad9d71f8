import type { Arity, Manifest } from "@connect-plugin/protocol";
import { describe, expect, it } from "vitest";
import { createDependencyGraph, type Dependency } from "./dependency-graph.js";

function manifest(
  provides: Readonly<Record<string, string>>,
  requires: Readonly<Record<string, string>> = {},
  arity: Arity = "one",
): Manifest {
  return {
    name: "package",
    version: "1.0.0",
    provides: Object.entries(provides).map(([service, version]) => ({
      key: "k",
      service,
      version,
      methods: [],
    })),
    requires: Object.entries(requires).map(([service, range]) => ({
      key: "k",
      service,
      range,
      arity,
      methods: [],
    })),
    instances: "many",
    sdk: { name: "test", version: "1.0.0" },
  };
}

function graphOf(
  plugins: Readonly<Record<string, Manifest | undefined>>,
  prefer: Record<string, string> = {},
) {
  return createDependencyGraph({ manifests: new Map(Object.entries(plugins)), prefer });
}

function failureOf(dependency: Dependency | undefined) {
  if (dependency?.kind !== "hopeless") throw new Error(`expected a hopeless need, got ${dependency?.kind}`);
  return { reason: dependency.failure.info?.reason, message: dependency.failure.message };
}

describe("who needs whom", () => {
  it("finds the one plugin that provides what is required", () => {
    const graph = graphOf({
      app: manifest({}, { "kv.v1.Kv": "^1.0.0" }),
      kv: manifest({ "kv.v1.Kv": "1.4.0" }),
    });
    expect(graph.needsOf("app")).toMatchObject([{ kind: "provider", plugin: "kv" }]);
    expect(graph.dependantsOf("kv")).toEqual(["app"]);
    expect(graph.needsOf("kv")).toEqual([]);
    expect(graph.cycleOf("app")).toBeUndefined();
  });

  it.each(["optional", "each", "capability"] as const)("does not count what is %s", (arity) => {
    const graph = graphOf({ app: manifest({}, { "kv.v1.Kv": "^1.0.0" }, arity) });
    expect(graph.needsOf("app")).toEqual([]);
  });

  it("says that nobody provides it", () => {
    const graph = graphOf({ app: manifest({}, { "kv.v1.Kv": "^1.0.0" }) });
    expect(failureOf(graph.needsOf("app")[0])).toEqual({
      reason: "DEPENDENCY_MISSING",
      message:
        'plugin "app" requires kv.v1.Kv ^1.0.0; no plugin provides it; add one that does to the host\'s plugins, or make it optional() in app',
    });
  });

  it("points at plugins that could not say what they provide", () => {
    const graph = graphOf({ app: manifest({}, { "kv.v1.Kv": "^1.0.0" }), kv: undefined });
    expect(failureOf(graph.needsOf("app")[0]).message).toBe(
      'plugin "app" requires kv.v1.Kv ^1.0.0; no plugin that could be loaded provides it, but kv could not be loaded and may; see why',
    );
  });

  it("says which versions there are", () => {
    const graph = graphOf({
      app: manifest({}, { "kv.v1.Kv": "^2.0.0" }),
      kv: manifest({ "kv.v1.Kv": "1.10.0" }),
    });
    expect(failureOf(graph.needsOf("app")[0])).toEqual({
      reason: "VERSION_NOT_PROVIDED",
      message:
        'plugin "app" requires kv.v1.Kv ^2.0.0; there is 1.10.0 of kv; use a version of the provider in that range, or widen the range',
    });
  });

  it("does not choose between plugins", () => {
    const plugins = {
      app: manifest({}, { "kv.v1.Kv": "^1" }),
      a: manifest({ "kv.v1.Kv": "1.0.0" }),
      b: manifest({ "kv.v1.Kv": "1.0.0" }),
    };
    expect(failureOf(graphOf(plugins).needsOf("app")[0])).toEqual({
      reason: "AMBIGUOUS_PROVIDER",
      message:
        'plugin "app" requires one kv.v1.Kv ^1, which a and b provide; choose one by prefer: { "kv.v1.Kv": "a" } of the host',
    });
    expect(graphOf(plugins, { "kv.v1.Kv": "b" }).needsOf("app")).toMatchObject([{ plugin: "b" }]);
  });

  it("says that the preferred plugin does not provide it", () => {
    const plugins = { app: manifest({}, { "kv.v1.Kv": "^1" }), a: manifest({ "kv.v1.Kv": "1.0.0" }) };
    expect(failureOf(graphOf(plugins, { "kv.v1.Kv": "c" }).needsOf("app")[0])).toEqual({
      reason: "DEPENDENCY_MISSING",
      message:
        'plugin "app" requires kv.v1.Kv ^1, and the host\'s prefer names c for it, which does not provide it: it is provided by 1.0.0 of a; correct prefer',
    });
  });

  it("lets a plugin stand in front of another of its kind", () => {
    const graph = graphOf(
      {
        cache: manifest({ "kv.v1.Kv": "1.0.0" }, { "kv.v1.Kv": "^1" }),
        kv: manifest({ "kv.v1.Kv": "1.0.0" }),
      },
      { "kv.v1.Kv": "cache" },
    );
    expect(graph.needsOf("cache")).toMatchObject([{ plugin: "kv" }]);
    expect(graph.cycleOf("cache")).toBeUndefined();
  });
});

describe("circles", () => {
  const circle = {
    c: manifest({ "c.v1.C": "1.0.0" }, { "a.v1.A": "^1" }),
    a: manifest({ "a.v1.A": "1.0.0" }, { "b.v1.B": "^1" }),
    b: manifest({ "b.v1.B": "1.0.0" }, { "c.v1.C": "^1" }),
    app: manifest({}, { "a.v1.A": "^1" }),
  };

  it("are named with their path and services, the same for each member", () => {
    const graph = graphOf(circle);
    const wanted = {
      message:
        "plugins require each other in a circle, so none can start first: a → (b.v1.B) → b → (c.v1.C) → c → (a.v1.A) → a; " +
        "make one of these services optional() in the plugin that can start without it",
      info: {
        reason: "DEPENDENCY_CYCLE",
        facts: { path: "a → b → c → a", services: "b.v1.B, c.v1.C, a.v1.A" },
      },
    };
    for (const member of ["a", "b", "c"]) expect(graph.cycleOf(member)).toMatchObject(wanted);
  });

  it("do not hold who only needs one of their members", () => {
    expect(graphOf(circle).cycleOf("app")).toBeUndefined();
  });

  it("may be as small as a plugin that requires what only it provides", () => {
    const graph = graphOf({ a: manifest({ "a.v1.A": "1.0.0" }, { "a.v1.A": "^1" }) });
    expect(graph.cycleOf("a")?.info?.facts).toEqual({ path: "a → a", services: "a.v1.A" });
  });
});
