// Every pair of distances × every kind of method, through the router, with real workers and processes.

import { createHost, type Host, inProcess } from "@connect-plugin/host";
import type { Distance } from "@connect-plugin/protocol";
import { decodeBinaryHeader, encodeBinaryHeader } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ChatRequest, FailDetailSchema, FailureKind, ProbeService } from "./gen/probe/v1/probe_pb.js";
import { describeFailure, failureOf } from "./support/failure-of.js";
import { DISTANCES, launchAt } from "./support/launch-at.js";
import { createMessageSource } from "./support/message-source.js";
import { bePatient, PATIENT } from "./support/patience.js";
import { until } from "./support/until.js";

/** Two plugins at each distance, so that one can call the other at its own. */
const plugins = {
  "caller-in-process": { launch: inProcess(() => import("./fixtures/probe.plugin.js")) },
  "provider-in-process": { launch: launchAt("in-process", "probe.plugin") },
  "caller-worker": { launch: launchAt("worker", "probe.plugin") },
  "provider-worker": { launch: launchAt("worker", "probe.plugin") },
  "caller-child-process": { launch: launchAt("child-process", "probe.plugin") },
  "provider-child-process": { launch: launchAt("child-process", "probe.plugin") },
  "last-child-process": { launch: launchAt("child-process", "probe.plugin") },
};
type PluginName = keyof typeof plugins;

bePatient();

let host: Host<PluginName>;
beforeAll(async () => {
  host = createHost({ plugins, name: "e2e", output: "events", deadlines: PATIENT });
  await host.start();
});
afterAll(async () => {
  const { leaked } = await host.stop();
  expect(leaked).toEqual([]);
});

const callerAt = (distance: Distance): PluginName => `caller-${distance}`;
const providerAt = (distance: Distance): PluginName => `provider-${distance}`;
const clientOf = (plugin: PluginName) => host.client(ProbeService, { plugin });

let tags = 0;
const newTag = () => `call-${++tags}`;
const witness = async (plugin: PluginName, tag: string) => await clientOf(plugin).witness({ tag });

const pairs = DISTANCES.flatMap((from) => DISTANCES.map((to) => [from, to] as const));
const fromHost = DISTANCES.map((to) => ["the host", to] as const);

/** The client to begin with, the plugins to go through, and who is to answer. */
function route(from: Distance | "the host", to: Distance) {
  const provider = providerAt(to);
  return from === "the host"
    ? { client: clientOf(provider), path: [], provider }
    : { client: clientOf(callerAt(from)), path: [provider], provider };
}

describe.each([...pairs, ...fromHost])("from %s to %s", (from, to) => {
  it("carries a unary call, with more than one piece each way", async () => {
    const { client, path, provider } = route(from, to);
    const payload = new Uint8Array(300_000).map((_, index) => index % 251);
    const answer = await client.echo({ path, text: "grüß dich", payload });
    expect(answer).toMatchObject({ text: "grüß dich", plugin: provider });
    expect(Buffer.compare(answer.payload, payload)).toBe(0);
  });

  it("carries a stream of responses in order", async () => {
    const { client, path } = route(from, to);
    const numbers: number[] = [];
    for await (const { number, payload } of client.count({ path, count: 400, payloadBytes: 2_000 })) {
      expect(payload.byteLength).toBe(2_000);
      numbers.push(number);
    }
    expect(numbers).toEqual(Array.from({ length: 400 }, (_, index) => index));
  });

  it("carries a stream of requests", async () => {
    const { client, path } = route(from, to);
    async function* requests() {
      for (let number = 1; number <= 400; number++) {
        yield { path: number === 1 ? path : [], number: BigInt(number), payload: new Uint8Array(1_000) };
      }
    }
    expect(await client.sum(requests())).toMatchObject({ sum: 80_200n, messages: 400 });
  });

  it("carries messages both ways at once", async () => {
    const { client, path } = route(from, to);
    const requests = createMessageSource<Pick<ChatRequest, "path" | "text">>();
    const responses = client.chat(requests)[Symbol.asyncIterator]();
    for (let turn = 0; turn < 20; turn++) {
      requests.send({ path: turn === 0 ? path : [], text: `turn ${turn}` });
      // Each answer is needed for the next question: nothing is held back until the end.
      expect(await responses.next()).toMatchObject({ value: { text: `turn ${turn}` } });
    }
    requests.end();
    expect(await responses.next()).toMatchObject({ done: true });
  });

  it("carries headers and trailers", async () => {
    const { client, path } = route(from, to);
    const raw = encodeBinaryHeader(new Uint8Array([0, 255, 10, 13]));
    for (const call of [
      (options: object) => client.echo({ path }, options),
      async (options: object) => {
        for await (const _ of client.count({ path, count: 2 }, options));
      },
    ]) {
      let header = new Headers();
      let trailer = new Headers();
      await call({
        headers: { "probe-colour": "green", "probe-raw-bin": raw },
        onHeader: (received: Headers) => {
          header = received;
        },
        onTrailer: (received: Headers) => {
          trailer = received;
        },
      });
      expect(header.get("probe-colour")).toBe("green");
      expect(decodeBinaryHeader(header.get("probe-raw-bin") ?? "")).toEqual(new Uint8Array([0, 255, 10, 13]));
      expect(trailer.get("probe-last-colour")).toBe("green");
    }
  });

  it("carries an application's error whole", async () => {
    const { client, path } = route(from, to);
    const unary = await failureOf(client.fail({ path, kind: FailureKind.APPLICATION }));
    const numbers: number[] = [];
    const stream = await failureOf(
      (async () => {
        for await (const { number } of client.count({ path, count: 9, failAt: 3 })) numbers.push(number);
      })(),
    );
    expect(numbers).toEqual([0, 1, 2]);
    for (const failure of [unary, stream]) {
      expect(failure).toMatchObject({ code: "FailedPrecondition", message: "not enough apples" });
      // It is the application's own: no reason of ours.
      expect(failure.reason).toBeUndefined();
      expect(failure.error.findDetails(FailDetailSchema)).toMatchObject([{ item: "apples", left: 2 }]);
      expect(failure.error.metadata.get("probe-hint")).toBe("order more");
    }
  });

  it("says whose fault an unexpected error was, and nothing of what it held", async () => {
    const { client, path, provider } = route(from, to);
    const failure = await failureOf(client.fail({ path, kind: FailureKind.UNEXPECTED }));
    expect(failure).toMatchObject({ code: "Internal", reason: "HANDLER_FAILED", fault: "plugin" });
    expect(failure.facts.plugin).toBe(provider);
    expect(JSON.stringify(failure)).not.toContain("hunter2");
  });

  it("ends the provider's handler when a stream is left early", async () => {
    const { client, path, provider } = route(from, to);
    const tag = newTag();
    for await (const { number } of client.count({ path, tag })) {
      if (number === 3) break;
    }
    await until("the handler has ended", async () => (await witness(provider, tag)).ended === 1);
    expect(await witness(provider, tag)).toMatchObject({ began: 1, aborted: 1 });
  });

  it("stops a writer whose reader does not read, and nobody else", async () => {
    const { client, path, provider } = route(from, to);
    const tag = newTag();
    const messageBytes = 16_384;
    const stream = client.count({ path, tag, payloadBytes: messageBytes })[Symbol.asyncIterator]();
    expect(await stream.next()).toMatchObject({ value: { number: 0 } });

    // Others go the same way meanwhile: that is also how time passes.
    const others = async (calls: number) => {
      for (let call = 0; call < calls; call++) await client.echo({ path, text: "still open" });
    };
    let sent = 0;
    await until("the writer stands still", async () => {
      await others(50);
      const before = sent;
      sent = (await witness(provider, tag)).messages;
      return sent === before;
    });
    await others(200);
    expect((await witness(provider, tag)).messages).toBe(sent);
    // Two hops, each with a window of at most 1 MiB to a side, and what lies ready at the ends.
    expect(sent * messageBytes).toBeLessThan(8 << 20);

    for (let number = 1; number <= sent + 50; number++) {
      expect((await stream.next()).value?.number).toBe(number);
    }
    await stream.return?.();
    await until("the handler has ended", async () => (await witness(provider, tag)).ended === 1);
  });

  it("stops a writer of requests whose answers nobody reads", async () => {
    const { client, path } = route(from, to);
    const text = "x".repeat(16_384);
    let written = 0;
    let leave = false;
    async function* requests() {
      while (!leave) {
        yield { path: written === 0 ? path : [], text };
        written++;
      }
    }
    const responses = client.chat(requests())[Symbol.asyncIterator]();
    expect(await responses.next()).toMatchObject({ value: { text } });
    let before = -1;
    await until("the writer stands still", async () => {
      before = written;
      for (let call = 0; call < 50; call++) await client.echo({ path });
      return written === before;
    });
    expect(written * text.length).toBeLessThan(16 << 20);
    for (let more = 0; more < 50; more++) expect(await responses.next()).toMatchObject({ value: { text } });
    await until("the writer goes on", () => written > before);
    leave = true;
    await responses.return?.();
  });
});

/** Ways from the host over two plugins to a third. */
const chains = [
  ["caller-in-process", "caller-worker", "caller-child-process"],
  ["caller-child-process", "provider-in-process", "provider-worker"],
  ["caller-worker", "provider-child-process", "provider-in-process"],
  ["caller-child-process", "provider-child-process", "last-child-process"],
] as const;

describe.each(chains)("host → %s → %s → %s", (first, second, third) => {
  const path = [second, third];

  it("tells each handler who calls, and on whose behalf", async () => {
    const look = async (rest: string[]) => await clientOf(first).look({ path: rest });
    const atHome = { kind: "host", name: "e2e" };
    expect(await look([])).toMatchObject({ plugin: first, caller: atHome, onBehalfOf: [] });
    expect(await look([second])).toMatchObject({
      plugin: second,
      caller: { kind: "plugin", name: first },
      onBehalfOf: [atHome],
    });
    const seen = await look(path);
    expect(seen).toMatchObject({
      plugin: third,
      caller: { kind: "plugin", name: second },
      onBehalfOf: [{ kind: "plugin", name: first }, atHome],
    });
    const { runtimeId } = await clientOf(second).echo({});
    expect(seen.caller?.runtimeId).toBe(runtimeId);
  });

  it("carries the deadline of the first call to the last", async () => {
    const own = await clientOf(first).look({ path }, { timeoutMs: 25_000 });
    expect(own.remainingMs).toBeGreaterThan(0);
    expect(own.remainingMs).toBeLessThanOrEqual(25_000);
    // Without a word a unary call has 30 s, for the whole way.
    const usual = await clientOf(first).look({ path });
    expect(usual.remainingMs).toBeGreaterThan(0);
    expect(usual.remainingMs).toBeLessThanOrEqual(30_000);
  });

  it("ends every hop when the deadline comes", async () => {
    const tag = newTag();
    const failure = await failureOf(clientOf(first).wait({ path, tag }, { timeoutMs: 700 }));
    expect(failure).toMatchObject({ code: "DeadlineExceeded", reason: "DEADLINE_EXCEEDED", fault: "caller" });
    expect(failure.message).toContain("probe.v1.ProbeService/Wait");
    for (const plugin of [first, second, third]) {
      const what = `${plugin} has let go`;
      const { began, ended } = await until(what, async () => {
        const found = await witness(plugin, tag);
        return found.ended === found.began && found;
      });
      // On a machine so slow that the call did not get so far in time, there is nothing to let go.
      if (plugin === first) expect(began).toBe(1);
      expect(ended).toBe(began);
    }
  });

  it("carries an abort of the first caller to the last provider", async () => {
    const tag = newTag();
    const abort = new AbortController();
    const failed = failureOf(clientOf(first).wait({ path, tag }, { signal: abort.signal }));
    await until(`${third} is at work`, async () => (await witness(third, tag)).began === 1);
    abort.abort();
    expect(await failed).toMatchObject({ code: "Canceled" });
    for (const plugin of [first, second, third]) {
      await until(`${plugin} has let go`, async () => (await witness(plugin, tag)).ended === 1);
      expect(await witness(plugin, tag)).toMatchObject({ began: 1, aborted: 1 });
    }
  });

  it("carries an abort through streams, both ways", async () => {
    const tag = newTag();
    const abort = new AbortController();
    const requests = createMessageSource<Pick<ChatRequest, "path" | "tag" | "text">>();
    const responses = clientOf(first).chat(requests, { signal: abort.signal })[Symbol.asyncIterator]();
    requests.send({ path, tag, text: "hello" });
    expect(await responses.next()).toMatchObject({ value: { text: "hello" } });
    abort.abort();
    await expect(responses.next()).rejects.toSatisfy((error) => describeFailure(error).code === "Canceled");
    await until(`${third} has let go`, async () => (await witness(third, tag)).ended === 1);
    expect(await witness(third, tag)).toMatchObject({ began: 1, aborted: 1 });
  });

  it("says through whom an error came", async () => {
    const failure = await failureOf(clientOf(first).fail({ path, kind: FailureKind.UNEXPECTED }));
    expect(failure).toMatchObject({ code: "Internal", reason: "HANDLER_FAILED", fault: "plugin" });
    expect(failure.facts.plugin).toBe(third);
    expect(failure.facts.through).toBe(first);
  });
});

it("counts who called whom over which distance", async () => {
  await clientOf("caller-worker").echo({ path: ["provider-child-process"] });
  const edge = host
    .traffic()
    .find(
      ({ caller, provider, method }) =>
        caller === "caller-worker" && provider === "provider-child-process" && method === "Echo",
    );
  expect(edge).toMatchObject({ service: ProbeService.typeName, distance: "child-process" });
  expect(edge?.calls).toBeGreaterThan(0);
});
