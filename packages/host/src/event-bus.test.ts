import { expect, it } from "vitest";
import { createEventBus } from "./event-bus.js";

it("tells all listeners in order, whatever one of them throws", () => {
  const errors: unknown[] = [];
  const told: string[] = [];
  const bus = createEventBus((error) => errors.push(error));
  bus.subscribe(({ type }) => {
    told.push(`a ${type}`);
    throw new Error("broken listener");
  });
  const end = bus.subscribe(({ type }) => void told.push(`b ${type}`));
  bus.emit({ type: "host.starting" });
  end();
  bus.emit({ type: "host.ready" });
  expect(told).toEqual(["a host.starting", "b host.starting", "a host.ready"]);
  expect(errors).toHaveLength(2);
});
