import { PassThrough } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { createOutputReader } from "./output-reader.js";

describe("createOutputReader", () => {
  it("tells lines as they come, and the last at the end", async () => {
    const stream = new PassThrough();
    const told: string[] = [];
    const reader = createOutputReader(stream, (line) => told.push(line));
    stream.write("one\ntw");
    await turn();
    expect(told).toEqual(["one"]);
    stream.end("o");
    await reader.finish();
    expect(told).toEqual(["one", "two"]);
    expect(stream.destroyed).toBe(true);
  });

  it("pauses a flood, says so once, and loses nothing", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    try {
      const stream = new PassThrough({ highWaterMark: 16_384 });
      const told: string[] = [];
      const reader = createOutputReader(stream, (line) => told.push(line));
      const flood = `${"x".repeat(999)}\n`;
      let left = 4_000;
      const write = () => {
        while (left > 0) {
          left -= 1;
          if (!stream.write(flood)) break;
        }
        if (left > 0) stream.once("drain", write);
      };
      write();
      const turns = async () => {
        for (let i = 0; i < 50; i++) await turn();
      };
      await turns();
      expect(stream.isPaused()).toBe(true);
      const atOnce = told.length;
      expect(atOnce).toBeGreaterThan(900);
      expect(atOnce).toBeLessThan(1_200);
      expect(told.at(-1)).toMatch(/^… \[slowed: more than 1 MiB of output a second/);

      await vi.advanceTimersByTimeAsync(1_000);
      await turns();
      expect(stream.isPaused()).toBe(true);
      expect(told.length).toBeGreaterThan(atOnce);
      expect(told.length).toBeLessThan(atOnce + 1_200);

      for (let second = 0; second < 5; second++) {
        await vi.advanceTimersByTimeAsync(1_000);
        await turns();
      }
      stream.end();
      await reader.finish();
      expect(left).toBe(0);
      expect(told.filter((line) => line.startsWith("x"))).toHaveLength(4_000);
      expect(told.filter((line) => line.startsWith("…"))).toHaveLength(1);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it("reads what a writer has left without a brake", async () => {
    const stream = new PassThrough({ highWaterMark: 8 * 1_048_576 });
    const told: string[] = [];
    const reader = createOutputReader(stream, (line) => told.push(line));
    stream.end("y\n".repeat(100_000));
    await reader.finish();
    expect(told.filter((line) => line === "y")).toHaveLength(100_000);
  });

  it("does not wait for a stream that somebody else holds open", async () => {
    const stream = new PassThrough();
    const told: string[] = [];
    const reader = createOutputReader(stream, (line) => told.push(line));
    stream.write("half");
    await reader.finish();
    expect(told).toEqual(["half"]);
    expect(stream.destroyed).toBe(true);
  });

  it("takes a stream that breaks for one that ends", async () => {
    const stream = new PassThrough();
    const reader = createOutputReader(stream, () => {});
    stream.destroy(new Error("broken"));
    await expect(reader.finish()).resolves.toBeUndefined();
  });
});
