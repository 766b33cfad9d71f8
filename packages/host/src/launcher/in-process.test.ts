import type { Connection, DirectLink, PluginEntry } from "@connect-plugin/protocol";
import { failureError, failureInfo } from "@connect-plugin/rpc";
import { describe, expect, it } from "vitest";
import { assertRefused, ContractBench, call, soon } from "../testing/contract-bench.js";
import { manifestOf, rawPlugin } from "../testing/contract-plugins/raw-plugin.js";
import { contractPluginFile } from "../testing/contract-plugins.js";
import { type InProcessSource, inProcess } from "./in-process.js";

const echo = rawPlugin("here", () => ({ Echo: async (messages) => messages }));

function entryOf(run: PluginEntry["$connectPlugin"]["run"]): PluginEntry {
  return { $connectPlugin: { abi: 1, manifest: manifestOf("here"), run } };
}

describe("inProcess", () => {
  it.each([
    ["an entry", echo],
    ["a function that imports", async () => ({ default: echo })],
    ["a file", { entry: contractPluginFile("echo") }],
  ])("takes %s", async (_, source) => {
    const bench = new ContractBench(inProcess(source));
    const launched = await bench.launch();
    expect((await call(launched, "Echo", [Buffer.from("x")])).messages.map(String)).toEqual(["x"]);
    await bench.end();
  });

  it("refuses what is no source", () => {
    const nothing = "kv.js" as unknown as InProcessSource<unknown>;
    expect(() => inProcess(nothing)).toThrow(
      new TypeError(
        'inProcess: wanted a plugin, a function that imports its module or { entry: file }, found the text "kv.js"',
      ),
    );
  });

  it("is described by its file, or as it is told", () => {
    expect(inProcess(echo).describe).toBe("in this process");
    expect(inProcess(echo, { describe: "built in" }).describe).toBe("built in");
    expect(inProcess({ entry: "/plugins/kv.js" }).describe).toBe("/plugins/kv.js");
  });

  it("says what a loader threw", async () => {
    const launcher = inProcess(async () => {
      throw new Error("no such module");
    });
    await assertRefused(
      new ContractBench(launcher).launch(),
      "IMPORT_FAILED",
      /threw while .*: no such module/,
    );
  });

  it("says that a module has no plugin", async () => {
    const launcher = inProcess((async () => ({})) as unknown as () => Promise<{ default: PluginEntry }>);
    await assertRefused(new ContractBench(launcher).launch(), "NOT_A_PLUGIN", /it has no default export/);
  });

  it("says that what a module exports throws when it is looked at", async () => {
    const exported = {
      get $connectPlugin(): never {
        throw new Error("hands off");
      },
    };
    const launcher = inProcess(async () => ({ default: exported }));
    const message = /not a plugin: its default export cannot be read: hands off/;
    await assertRefused(new ContractBench(launcher).launch(), "NOT_A_PLUGIN", message);
  });

  it("gives up a plugin that never connects, and stops it should it run after all", async () => {
    let runs: (running: { stopped: Promise<never>; stop(reason: string): void }) => void = () => {};
    let link: DirectLink | undefined;
    const entry = entryOf((given) => {
      link = given as DirectLink;
      return new Promise((resolve) => {
        runs = resolve;
      });
    });
    const abort = new AbortController();
    const launch = new ContractBench(inProcess(entry)).launch(abort.signal);
    const refused = assertRefused(
      launch,
      "LAUNCH_TIMEOUT",
      /given up while it had not connected to the host/,
    );
    setTimeout(() => abort.abort(), 20);
    await soon("the refusal", refused);

    const late: Connection = link!.connect({ start: () => expect.unreachable() });
    expect((await late.closed).failure.message).toContain("its launch was given up");
    const stopped = new Promise((resolve) => runs({ stopped: new Promise(() => {}), stop: resolve }));
    await expect(stopped).resolves.toBe("its launch was given up");
  });

  it("tells why it was given up, where that is known", async () => {
    const abort = new AbortController();
    abort.abort(failureError("HOST_STOPPING", "the host stops"));
    const refusal: unknown = await new ContractBench(inProcess(echo))
      .launch(abort.signal)
      .catch((error) => error);
    expect(failureInfo(refusal)?.reason).toBe("HOST_STOPPING");
  });

  it("refuses a plugin whose run comes back without a connection", async () => {
    const entry = entryOf(async () => ({ stopped: new Promise(() => {}), stop() {} }));
    await assertRefused(
      new ContractBench(inProcess(entry)).launch(),
      "LAUNCH_FAILED",
      /run\(\) came back before/,
    );
  });

  it("refuses a plugin whose run fails", async () => {
    const bench = new ContractBench(inProcess({ entry: contractPluginFile("rejects-run") }));
    await assertRefused(bench.launch(), "LAUNCH_FAILED", /its run\(\) failed: .*the handshake was refused/s);
    expect(bench.written("stderr")[0]).toBe("Error: the handshake was refused");
  });

  it("ends the connection of a plugin whose session fails", async () => {
    const entry = entryOf(async (link) => {
      (link as DirectLink).connect({ start: () => expect.unreachable() });
      throw failureError("HOST_UNPROVEN", "the host has not proven itself");
    });
    const launched = await new ContractBench(inProcess(entry)).launch();
    await launched.exited;
    expect((await launched.connection.closed).failure.info?.reason).toBe("HOST_UNPROVEN");
    expect(launched.trouble?.message).toBe("the host has not proven itself");
  });

  it("connects once", async () => {
    let second: unknown;
    const entry = entryOf(async (link) => {
      const calls = { start: () => expect.unreachable() };
      (link as DirectLink).connect(calls);
      try {
        (link as DirectLink).connect(calls);
      } catch (error) {
        second = error;
      }
      return { stopped: new Promise(() => {}), stop() {} };
    });
    const launched = await new ContractBench(inProcess(entry)).launch();
    expect(second).toEqual(new Error("a direct link connects once"));
    await launched.kill();
  });

  it("does not wait for ever for a plugin that does not stop", async () => {
    const entry = entryOf(async (link) => {
      (link as DirectLink).connect({ start: () => expect.unreachable() });
      return { stopped: new Promise(() => {}), stop() {} };
    });
    const launched = await new ContractBench(inProcess(entry)).launch();
    launched.connection.close(failureOf("enough"));
    await expect(soon("the exit", launched.exited)).resolves.toEqual({ kind: "in-process" });
    expect(launched.trouble?.info?.reason).toBe("STOP_TIMEOUT");
    expect(launched.trouble?.message).toContain("has not stopped within 1500 ms after its connection ended");
  });
});

function failureOf(message: string) {
  return { code: 14, message, info: undefined, details: [], metadata: [], notDelivered: false };
}
