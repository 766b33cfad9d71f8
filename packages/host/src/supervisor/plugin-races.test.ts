// What can come at the same time, by name.
import { expect, it } from "vitest";
import { type Model, upTo, well } from "./fixtures/plugin-model.js";
import { liveInstance } from "./plugin-state.js";
import { pluginStatus } from "./plugin-status.js";

const path = (model: Model) => model.moves.map((move) => move.to);

it("exit during start", () => {
  const model = upTo("starting");
  model.exited(1);
  model.tell({ type: "started", instanceId: model.id(), health: well });
  expect(path(model).at(-1)).toBe("gone");
  expect(pluginStatus(model.state)).toBe("failed");
});

it("stop during start", () => {
  const model = upTo("starting");
  model.tell({ type: "stop", reason: "enough" });
  model.tell({ type: "started", instanceId: model.id(), health: well });
  expect(model.instance.state).toMatchObject({ name: "stopping", step: "asked" });
  model.exited();
  expect(pluginStatus(model.state)).toBe("stopped");
});

it("restart during start", () => {
  const model = upTo("starting");
  const first = model.id();
  model.tell({ type: "restart", reason: "again" });
  expect(pluginStatus(model.state)).toBe("restarting");
  model.tell({ type: "started", instanceId: first, health: well });
  model.exited();
  expect(model.id()).not.toBe(first);
  expect(model.instance.state.name).toBe("launching");
  model.tell({ type: "exited", instanceId: first, exit: { kind: "in-process" }, trouble: undefined });
  model.loaded();
  model.accepted();
  model.met();
  model.started();
  expect(pluginStatus(model.state)).toBe("running");
});

it("restart during launch, with a launcher that finishes all the same", () => {
  const model = upTo("launching");
  const first = model.id();
  model.tell({ type: "restart", reason: "again" });
  model.loaded();
  expect(model.instance.state).toMatchObject({ name: "stopping", step: "terminated" });
  model.exited();
  expect(model.launched).toHaveLength(2);
  expect(model.id()).not.toBe(first);
});

it("crash while handshaking", () => {
  const model = upTo("handshaking");
  model.exited(1);
  model.accepted();
  expect(model.instance.state).toMatchObject({
    name: "gone",
    outcome: { failure: { info: { reason: "EXITED_EARLY" } } },
  });
});

it("two restarts at once", () => {
  const model = upTo("ready");
  model.tell({ type: "restart", reason: "first" });
  model.tell({ type: "restart", reason: "second" });
  model.tell({ type: "drained", instanceId: model.id() });
  model.exited();
  expect(model.launched).toHaveLength(2);
  expect(model.instance.state.name).toBe("launching");
});

it("stop while restarting", () => {
  const model = upTo("ready");
  model.tell({ type: "restart", reason: "again" });
  model.tell({ type: "stop", reason: "enough" });
  model.tell({ type: "drained", instanceId: model.id() });
  model.exited();
  expect(model.launched).toHaveLength(1);
  expect(pluginStatus(model.state)).toBe("stopped");
});

it("start while stopping", () => {
  const model = upTo("ready");
  model.tell({ type: "stop", reason: "enough" });
  model.tell({ type: "start" });
  expect(pluginStatus(model.state)).toBe("restarting");
  model.tell({ type: "drained", instanceId: model.id() });
  model.exited();
  expect(model.launched).toHaveLength(2);
});

it.each(["launching", "handshaking", "waiting", "starting", "ready", "degraded"] as const)(
  "host stop while %s",
  (state) => {
    const model = upTo(state);
    model.tell({ type: "stop", reason: "the host stops" });
    for (let fired = 0; liveInstance(model.state) !== undefined; fired++) {
      expect(fired).toBeLessThan(5);
      model.fire();
    }
    expect(pluginStatus(model.state)).toBe("stopped");
    expect(model.launched).toHaveLength(1);
  },
);

it.each(["launching", "handshaking", "waiting", "starting", "ready", "degraded"] as const)(
  "hurried host stop while %s",
  (state) => {
    const model = upTo(state);
    model.tell({ type: "stop", reason: "the host stops" });
    model.tell({ type: "hurry" });
    expect(model.timers.get(model.id())).toBe("terminate");
  },
);
