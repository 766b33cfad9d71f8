import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { AdminService, createFailure } from "@connect-plugin/protocol";
import { createServiceClient, failureInfo } from "@connect-plugin/rpc";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createFakePlugin } from "../testing/fake-plugin.js";
import { createTestHost, type TestHost } from "../testing/test-host.js";
import { answerText, createTextService } from "../testing/text-service.js";
import { connectOperator } from "./operator-socket.js";

const Text = createTextService("a.v1");
const enough = createFailure("CANCELLED", "enough");

let base: string;
let dir: string;
const hosts: TestHost[] = [];

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "cp-test-"));
  dir = join(base, "operator");
});

afterEach(async () => {
  for (const { host } of hosts.splice(0)) await host.stop({ graceMs: 500 });
  await rm(base, { recursive: true, force: true });
});

function createHostAt(directory: string): TestHost {
  const entry = createFakePlugin({
    name: "a-package",
    version: "1.2.3",
    provides: [{ desc: Text, implementation: answerText }],
  });
  const host = createTestHost({
    plugins: { a: entry },
    operator: { dir: directory, configPath: "/etc/x.yaml" },
  });
  hosts.push(host);
  return host;
}

async function failureOf(promise: Promise<unknown>) {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { reason: failureInfo(error)?.reason, message: (error as { rawMessage?: string }).rawMessage };
}

describe("the operator's socket", () => {
  it("is private, and lets the operator see and call everything", async () => {
    const { host } = createHostAt(dir);
    await host.start();
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
    expect((await stat(join(dir, "operator.sock"))).mode & 0o777).toBe(0o600);
    const connection = await connectOperator({ dir });
    const admin = createServiceClient(AdminService, connection);
    expect(await admin.getHost({})).toMatchObject({
      hostId: host.id,
      pid: process.pid,
      state: "running",
      configPath: "/etc/x.yaml",
    });
    const { plugins } = await admin.listPlugins({});
    expect(plugins).toMatchObject([
      {
        name: "a",
        package: "a-package",
        version: "1.2.3",
        state: "ready",
        distance: "in-process",
        tier: "trusted",
      },
    ]);
    expect(await admin.listServices({})).toMatchObject({
      services: [{ service: "a.v1.TextService", version: "1.0.0", plugin: "a", state: "ready" }],
    });
    const text = createServiceClient(Text, connection);
    expect((await text.say({ value: "hi" })).value).toBe("you said hi");
    const { edges } = await admin.listTraffic({});
    expect(edges).toContainEqual(
      expect.objectContaining({ caller: "operator", provider: "a", method: "Say", calls: 1n, errors: 0n }),
    );
    connection.close(enough);
  });

  it("restarts plugins, tells what happens, and stops the host", async () => {
    const { host } = createHostAt(dir);
    await host.start();
    const connection = await connectOperator({ dir });
    const admin = createServiceClient(AdminService, connection);
    const kinds: string[] = [];
    const watching = (async () => {
      try {
        for await (const { kind, plugin } of admin.watchEvents({})) kinds.push(`${plugin} ${kind}`);
      } catch {
        // It ends with the host.
      }
    })();
    await expect.poll(() => host.traffic().length).toBeGreaterThanOrEqual(0);
    const { plugin } = await admin.restartPlugin({ name: "a" });
    expect(plugin).toMatchObject({ name: "a", state: "ready", restarts: 1 });
    expect(await failureOf(admin.restartPlugin({ name: "b" }))).toEqual({
      reason: "UNKNOWN_PLUGIN",
      message: 'there is no plugin "b"; this host has a',
    });
    await admin.stopHost({ grace: { seconds: 1n, nanos: 0 } });
    const { failure } = await connection.closed;
    expect(failure.message).toContain("the host has been stopped");
    await watching;
    await host.stop();
    expect(kinds).toContain("a instance.ready");
    expect(kinds).toContain(" host.stopping");
    expect(host.status().state).toBe("stopped");
    expect(await readdir(dir)).toEqual([]);
  });

  it("says that no host runs", async () => {
    const wanted = {
      reason: "HOST_NOT_RUNNING",
      message: `no host runs whose operator's directory is ${dir}; start it first (connect-plugin run), or name the configuration of the one that runs`,
    };
    expect(await failureOf(connectOperator({ dir }))).toEqual(wanted);
    await mkdir(dir, { mode: 0o700 });
    expect(await failureOf(connectOperator({ dir }))).toEqual(wanted);
  });

  it("refuses a second host, and leaves the first alone", async () => {
    await createHostAt(dir).host.start();
    expect(await failureOf(createHostAt(dir).host.start())).toEqual({
      reason: "HOST_ALREADY_RUNNING",
      message: `a host runs already with the operator's directory ${dir}; stop it first (connect-plugin stop), or give this one a configuration of its own`,
    });
    const connection = await connectOperator({ dir });
    expect((await createServiceClient(Text, connection).say({ value: "x" })).value).toBe("you said x");
    connection.close(enough);
  });

  it("takes the place of a dead host", async () => {
    await mkdir(dir, { mode: 0o700 });
    const path = join(dir, "operator.sock");
    const script = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
    spawnSync(process.execPath, ["-e", script]);
    expect((await stat(path)).isSocket()).toBe(true);
    expect(await failureOf(connectOperator({ dir }))).toMatchObject({ reason: "HOST_NOT_RUNNING" });
    await createHostAt(dir).host.start();
    const connection = await connectOperator({ dir });
    connection.close(enough);
  });

  it.each(["is silent", "breaks the lane's rules"])(
    "holds no connection open for a peer that reads nothing and %s",
    async (manner) => {
      const { host } = createHostAt(dir);
      await host.start();
      const peer = connect(join(dir, "operator.sock"));
      await once(peer, "connect");
      const broken = once(peer, "error");
      peer.pause();
      if (manner !== "is silent") peer.write(Buffer.alloc(1_000, 0xff));
      await host.stop({ graceMs: 500 });
      // Half closed, the other end would still take this.
      peer.write("anybody?");
      expect(await broken).toMatchObject([{ code: expect.stringMatching(/^(EPIPE|ECONNRESET)$/) }]);
      peer.destroy();
      expect(await readdir(dir)).toEqual([]);
    },
  );

  it("leaves what is no socket where it lies", async () => {
    await mkdir(dir, { mode: 0o700 });
    const path = join(dir, "operator.sock");
    await writeFile(path, "precious");
    const { host } = createHostAt(dir);
    expect(await failureOf(host.start())).toEqual({
      reason: "SOCKET_PATH",
      message: `the operator's socket belongs at ${path}, but something that is no socket lies there; remove it`,
    });
    expect(await readdir(dir)).toEqual(["operator.sock"]);
  });

  it("says which directory it cannot make, and why", async () => {
    await writeFile(dir, "a file");
    const inside = join(dir, "inside");
    const { host } = createHostAt(inside);
    const failure = await failureOf(host.start());
    expect(failure.reason).toBe("SOCKET_PATH");
    expect(failure.message).toContain(`needs the directory ${inside}, which cannot be made: ENOTDIR`);
  });

  it("is reached where its path would be too long", async () => {
    const long = join(base, "d".repeat(60), "e".repeat(60), "operator");
    const { host } = createHostAt(long);
    await host.start();
    expect(await readdir(long)).toEqual(["operator.path"]);
    const connection = await connectOperator({ dir: long });
    expect((await createServiceClient(Text, connection).say({ value: "x" })).value).toBe("you said x");
    connection.close(enough);
    await host.stop();
    expect(await readdir(long)).toEqual([]);
    expect(await failureOf(connectOperator({ dir: long }))).toMatchObject({ reason: "HOST_NOT_RUNNING" });
  });

  it.each<[string, () => Promise<void>, string]>([
    [
      "others may enter",
      async () => {
        await mkdir(dir);
        await chmod(dir, 0o755);
      },
      "its mode is 755",
    ],
    [
      "is a link",
      async () => {
        await mkdir(join(base, "real"), { mode: 0o700 });
        await symlink(join(base, "real"), dir);
      },
      "it is no directory",
    ],
  ])("is refused a directory that %s", async (_name, prepare, problem) => {
    await prepare();
    const wanted = {
      reason: "DIRECTORY_NOT_PRIVATE",
      message: `the operator's socket needs a directory that nobody else may enter, but of ${dir}, ${problem}; remove it, or make it private with: chmod 700 ${dir}`,
    };
    expect(await failureOf(createHostAt(dir).host.start())).toEqual(wanted);
    expect(await failureOf(connectOperator({ dir }))).toEqual(wanted);
  });

  it("is not led astray by a pointer into a public directory", async () => {
    const long = join(base, "d".repeat(60), "e".repeat(60), "operator");
    await mkdir(long, { recursive: true, mode: 0o700 });
    const open = join(base, "open");
    await mkdir(open);
    await chmod(open, 0o755);
    const server = createServer().listen(join(open, "operator.sock"));
    await writeFile(join(long, "operator.path"), join(open, "operator.sock"));
    try {
      expect(await failureOf(connectOperator({ dir: long }))).toMatchObject({
        reason: "DIRECTORY_NOT_PRIVATE",
      });
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
    expect(dirname(open)).toBe(base);
  });
});
