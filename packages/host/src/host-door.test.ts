import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { GrpcHealth, GrpcServingStatus, ServerReflection } from "@connect-plugin/protocol";
import { failureInfo } from "@connect-plugin/rpc";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTokenFile } from "./auth/token-file.js";
import type { DoorOptions } from "./door-options.js";
import { createFakePlugin } from "./testing/fake-plugin.js";
import { createTestHost, type TestHost } from "./testing/test-host.js";
import { answerText, createTextService } from "./testing/text-service.js";

const Text = createTextService("text.v1");
let directory: string;
let made: TestHost[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "door-"));
  made = [];
});
afterEach(async () => {
  for (const host of made) await host.host.stop({ graceMs: 500 });
  rmSync(directory, { recursive: true, force: true });
});

const tokensFile = () => join(directory, "tokens.json");

function createHostWith(door: DoorOptions | undefined): TestHost {
  const text = createFakePlugin({ name: "text", provides: [{ desc: Text, implementation: answerText }] });
  const host = createTestHost({ plugins: { text }, door: door && { tokens: tokensFile(), ...door } });
  made.push(host);
  return host;
}

async function startWith(door: DoorOptions) {
  const { host, start } = createHostWith(door);
  await start();
  const { token } = await openTokenFile(tokensFile()).create({ name: "shop" });
  const transportTo = (baseUrl: string) =>
    createGrpcTransport({
      baseUrl,
      interceptors: [
        (next) => async (call) => {
          call.header.set("authorization", `Bearer ${token}`);
          return await next(call);
        },
      ],
    });
  return { host, token, transportTo };
}

async function refusalOf(start: Promise<unknown>) {
  const error: unknown = await start.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ConnectError)) throw new Error(`wanted a ConnectError, found ${String(error)}`);
  return { reason: failureInfo(error)?.reason, message: error.rawMessage };
}

describe("the start is refused", () => {
  it("beyond this machine, without TLS or without a token", async () => {
    expect(await refusalOf(createHostWith({ listen: "0.0.0.0:0" }).start())).toEqual({
      reason: "LISTEN_REFUSED",
      message: expect.stringContaining("but TLS and a token is missing"),
    });
    const tls = makeCertificate();
    expect(await refusalOf(createHostWith({ listen: "0.0.0.0:0", tls }).start())).toEqual({
      reason: "LISTEN_REFUSED",
      message: expect.stringContaining("but a token is missing"),
    });
    const { record } = await openTokenFile(tokensFile()).create({ name: "shop", expiresInMs: 1 });
    await sleep(Math.max(0, Date.parse(record.expires) - Date.now()) + 2);
    // A token that has expired is none.
    expect(await refusalOf(createHostWith({ listen: "0.0.0.0:0", tls }).start())).toMatchObject({
      reason: "LISTEN_REFUSED",
    });
  });

  it("where somebody listens already, and then nothing of the host runs", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    const { host, start, events } = createHostWith({ listen: { port } });
    expect(await refusalOf(start())).toMatchObject({ reason: "LISTEN_FAILED" });
    expect(host.status().state).toBe("stopped");
    expect(events.some(({ type }) => type === "instance.ready")).toBe(false);
    server.close();
  });

  it.each([
    [
      { listen: "nowhere" },
      'door.listen: wanted HOST:PORT such as 127.0.0.1:8443, or unix:PATH, got "nowhere"',
    ],
    [{ listen: "127.0.0.1:65536" }, "door.listen: wanted a port from 0 to 65535, got 65536"],
    [
      { cors: { origins: ["app"] } },
      'cors.origins: wanted "*" or an origin such as https://app.example, got app',
    ],
  ])("at once for %j", (door, message) => {
    expect(() => createHostWith(door)).toThrow(message);
  });

  it("for an option that there is not", () => {
    const door = JSON.parse('{"lisen":"127.0.0.1:1"}') as DoorOptions;
    expect(() => createHostWith(door)).toThrow(
      "door.lisen: there is no such option, but listen, tls, tokens, cors",
    );
  });

  it("without a place for tokens", () => {
    expect(() => createTestHost({ plugins: {}, door: {} })).toThrow(
      "door.tokens: wanted the path of a file of tokens",
    );
  });
});

describe("a host with a door", () => {
  it("tells probes of what comes and goes", async () => {
    const { host, transportTo } = await startWith({ listen: "127.0.0.1:0" });
    const health = createClient(GrpcHealth, transportTo(host.doorUrl ?? ""));
    const statuses: GrpcServingStatus[] = [];
    let tell: () => void = () => undefined;
    const next = () => new Promise<void>((resolve) => (tell = resolve));
    const told = next();
    const giveUp = new AbortController();
    const watching = (async () => {
      for await (const { status } of health.watch({ service: Text.typeName }, { signal: giveUp.signal })) {
        statuses.push(status);
        tell();
      }
    })().catch((error: unknown) => ConnectError.from(error).code);
    await told;
    let changed = next();
    const restarted = host.restart("text");
    while (statuses.length < 3) {
      await changed;
      changed = next();
    }
    await restarted;
    expect(statuses).toEqual([
      GrpcServingStatus.SERVING,
      GrpcServingStatus.SERVICE_UNKNOWN,
      GrpcServingStatus.SERVING,
    ]);
    giveUp.abort();
    expect(await watching).toBe(Code.Canceled);
  });

  it("lists a plugin that tells nothing of its messages, and goes on", async () => {
    const { host, transportTo } = await startWith({ listen: "127.0.0.1:0" });
    const reflection = createClient(ServerReflection, transportTo(host.doorUrl ?? ""));
    async function* questions() {
      yield { messageRequest: { case: "fileContainingSymbol" as const, value: Text.typeName } };
      yield { messageRequest: { case: "fileContainingSymbol" as const, value: GrpcHealth.typeName } };
      yield { messageRequest: { case: "fileByFilename" as const, value: GrpcHealth.file.proto.name } };
      yield { messageRequest: { case: "allExtensionNumbersOfType" as const, value: "no.Such" } };
      yield {};
    }
    const cases: (string | undefined)[] = [];
    for await (const { messageResponse } of reflection.serverReflectionInfo(questions()))
      cases.push(messageResponse.case);
    expect(cases).toEqual([
      "errorResponse",
      "fileDescriptorResponse",
      "fileDescriptorResponse",
      "errorResponse",
      "errorResponse",
    ]);
  });

  it("answers in a server of somebody else's, and is shut with its host", async () => {
    const { host, token } = await startWith({});
    expect(host.doorUrl).toBeUndefined();
    const server = createServer((request, response) => host.handler(request, response)).listen(
      0,
      "127.0.0.1",
    );
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    const say = async (headers: Record<string, string>) => {
      const response = await fetch(`http://127.0.0.1:${port}/${Text.typeName}/Say`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: '"hello"',
      });
      return { status: response.status, body: (await response.json()) as unknown };
    };
    const authorization = `Bearer ${token}`;
    expect(await say({ authorization })).toEqual({ status: 200, body: "you said hello" });
    expect(await say({})).toMatchObject({ status: 401, body: { code: "unauthenticated" } });
    await host.stop();
    expect(await say({ authorization })).toMatchObject({ status: 503, body: { code: "unavailable" } });
    server.closeAllConnections();
    server.close();
  });

  it("is there for those who asked for one only", () => {
    expect(() => createHostWith(undefined).host.handler).toThrow(
      "handler: the host was made without the option door",
    );
  });
});

/** For names that nobody asks about. */
function makeCertificate(): { readonly cert: string; readonly key: string } {
  const cert = join(directory, "cert.pem");
  const key = join(directory, "key.pem");
  execFileSync(
    "openssl",
    [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-days",
      "1",
    ].concat(["-subj", "/CN=door.test", "-keyout", key, "-out", cert]),
    { stdio: "ignore" },
  );
  return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
}
