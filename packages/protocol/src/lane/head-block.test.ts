import { describe, expect, it } from "vitest";
import type { CallChain, CallHead } from "../call.js";
import { CHAIN_SLOTS } from "./chain-block.js";
import { EventReader, EventWriter, NOW } from "./fixtures/frame-event.js";
import { MAX_NAME, NAME_SLOTS } from "./name-ref.js";
import { defaultSettings } from "./settings.js";

const plain: CallHead = {
  service: "kv.v1.KvService",
  method: "Get",
  kind: "unary",
  codec: "proto",
  acceptGzip: false,
  header: [],
  deadline: Number.POSITIVE_INFINITY,
  parent: undefined,
  target: undefined,
  grant: undefined,
  id: undefined,
  chain: undefined,
};

/** Sends heads from a plugin to a host. */
function connect() {
  const writer = new EventWriter();
  const reader = new EventReader("host");
  writer.write({ is: "preface", settings: defaultSettings });
  reader.read(writer.take());
  return (head: Partial<CallHead>): { readonly head: CallHead; readonly size: number } => {
    writer.write({ is: "head", id: 1, head: { ...plain, ...head } });
    const bytes = writer.take();
    const [event] = reader.read(bytes);
    if (event?.is !== "head") throw new Error(`${event?.is} came`);
    return { head: event.head, size: bytes.length };
  };
}

function callers(count: number): CallChain[] {
  return Array.from({ length: count }, (_, i) => ({
    caller: { kind: "plugin", name: `p${i}`, runtimeId: `r${i}`, claims: { tenant: "acme" } },
    behind: undefined,
    depth: 1,
  }));
}

describe("the deadline of a head", () => {
  const remaining: readonly (readonly [deadline: number, left: number])[] = [
    [NOW + 30_000, 30_000],
    [NOW + 0.2, 1],
    [NOW, 0],
    [NOW - 5_000, 0],
    [NOW + 1e12, 1e12],
    [Number.MAX_VALUE, Number.MAX_SAFE_INTEGER],
    [Number.NaN, 0],
    [Number.NEGATIVE_INFINITY, 0],
  ];

  for (const [deadline, left] of remaining) {
    it(`leaves ${left} ms of ${deadline}`, () => {
      const { head } = connect()({ deadline });
      expect(head.deadline).toBe(NOW + left);
      expect(head.deadline).toBeLessThan(Number.POSITIVE_INFINITY);
    });
  }

  it("is none only where there is none", () => {
    expect(connect()({}).head.deadline).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("names", () => {
  it("travel once", () => {
    const send = connect();
    const head = { header: [["traceparent", "00-1"]], target: "kv", grant: "g-1" } as const;
    const first = send(head);
    const second = send(head);
    expect(second.head).toEqual(first.head);
    expect(first.size - second.size).toBe(
      "kv.v1.KvService".length + "Get".length + "traceparent".length + 2 + 3 + 5,
    );
  });

  it("are forgotten in the order in which they came, on both sides alike", () => {
    const send = connect();
    for (let i = 0; i < NAME_SLOTS * 2 + 7; i++) {
      const method = `Method${i}`;
      expect(send({ method }).head.method).toBe(method);
      expect(send({ method: `Method${Math.max(0, i - 300)}` }).head.method).toBe(
        `Method${Math.max(0, i - 300)}`,
      );
    }
  });

  it("that are long are not remembered", () => {
    const send = connect();
    const method = "M".repeat(MAX_NAME + 1);
    const [first, second] = [send({ method }), send({ method })];
    expect(second.head.method).toBe(method);
    expect(first.size - second.size).toBe("kv.v1.KvService".length + 1);
  });
});

describe("chains", () => {
  it("are one byte once they are known, and keep their identity", () => {
    const send = connect();
    const [bare] = [send({}), send({})].slice(1);
    const [root] = callers(1) as [CallChain];
    const chain: CallChain = {
      caller: { kind: "host", name: "h", runtimeId: "", claims: {} },
      behind: root,
      depth: 2,
    };
    const first = send({ chain });
    const second = send({ chain });
    const outer = send({ chain: root });
    expect(first.head.chain).toEqual(chain);
    expect(second.head.chain).toBe(first.head.chain);
    expect(outer.head.chain).toBe(first.head.chain?.behind);
    expect(second.size).toBe((bare?.size ?? 0) + 1);
  });

  it("are forgotten in the order in which they came, on both sides alike", () => {
    const send = connect();
    const chains = callers(CHAIN_SLOTS + 40);
    for (let round = 0; round < 3; round++) {
      for (const [i, chain] of chains.entries()) {
        expect(send({ chain }).head.chain).toEqual(chain);
        const other = chains[(i * 7) % chains.length];
        const nested: CallChain = { caller: chain.caller, behind: other, depth: 2 };
        expect(send({ chain: nested }).head.chain).toEqual(nested);
      }
    }
  });

  it("may be 64 callers deep, even where none of them is known", () => {
    let chain: CallChain | undefined;
    for (const { caller } of callers(64)) chain = { caller, behind: chain, depth: (chain?.depth ?? 0) + 1 };
    const send = connect();
    expect(send({ chain }).head.chain).toEqual(chain);
    expect(send({ chain }).head.chain).toEqual(chain);
  });
});

describe("a head that is too large", () => {
  it("is not written at all", () => {
    const writer = new EventWriter();
    const head: CallHead = { ...plain, header: [["x", "v".repeat(65_530)]] };
    expect(() => writer.write({ is: "head", id: 1, head })).toThrow("the head is too large");
    expect(writer.take().length).toBe(0);
  });

  it("may be as large as a frame can hold, in any script", () => {
    const send = connect();
    for (const text of ["v".repeat(65_300), "é".repeat(32_650), "漢".repeat(21_760), "😀".repeat(16_320)]) {
      const writer = new EventWriter();
      writer.write({ is: "preface", settings: defaultSettings });
      const reader = new EventReader("host", 65_536);
      writer.write({ is: "head", id: 1, head: { ...plain, header: [["x", text]] } });
      expect(reader.read(writer.take())[1]).toMatchObject({ is: "head", head: { header: [["x", text]] } });
    }
    expect(send({ header: [["x", "\ud800"]] }).head.header).toEqual([["x", "\ufffd"]]);
  });
});
