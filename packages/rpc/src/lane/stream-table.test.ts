import { describe, expect, it } from "vitest";
import { StreamTable } from "./stream-table.js";

describe("the table of calls", () => {
  it("holds calls whose ids fall into the same slot", () => {
    const table = new StreamTable<{ readonly id: number }>();
    const ids = [1, 3, 2_049, 4_097, 2_051, 0x7fff_ffff, 1_023];
    const streams = ids.map((id) => ({ id }));
    for (const stream of streams) table.add(stream);
    expect(table.size).toBe(ids.length);
    for (const stream of streams) expect(table.get(stream.id)).toBe(stream);
    expect(table.get(6_145)).toBeUndefined();
    expect(
      table
        .snapshot()
        .map(({ id }) => id)
        .sort((a, b) => a - b),
    ).toEqual([...ids].sort((a, b) => a - b));
    for (const [i, stream] of streams.entries()) {
      table.remove(stream);
      expect(table.get(stream.id)).toBeUndefined();
      expect(table.size).toBe(ids.length - i - 1);
      for (const other of streams.slice(i + 1)) expect(table.get(other.id)).toBe(other);
    }
    expect(table.snapshot()).toEqual([]);
  });

  it("removes what it does not hold without counting it", () => {
    const table = new StreamTable<{ readonly id: number }>();
    table.add({ id: 1 });
    table.remove({ id: 1 });
    table.remove({ id: 2_049 });
    expect(table.size).toBe(1);
  });
});
