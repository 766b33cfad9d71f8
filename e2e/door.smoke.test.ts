// Applications call plugins through the door, as an operator and a stranger meet it: the built command, real sockets,
// clients that are not ours.
import { execFile } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  AdminService,
  GrpcHealth,
  GrpcServingStatus,
  HostSessionService,
  Logger,
  PluginSessionService,
  ServerReflection,
  ServerReflectionV1Alpha,
} from "@connect-plugin/protocol";
import { failureInfo } from "@connect-plugin/rpc";
import { Code, ConnectError, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { describe, expect, it } from "vitest";
import { ProbeService } from "./gen/probe/v1/probe_pb.js";
import { failureOf } from "./support/failure-of.js";
import { fixture } from "./support/launch-at.js";
import { type RunningProgram, runNode } from "./support/run-program.js";
import { makeTemporaryDirectory } from "./support/temporary-directory.js";
import { until } from "./support/until.js";

const main = fileURLToPath(new URL("../packages/cli/bin/connect-plugin.js", import.meta.url));

const entry = fixture("probe.plugin").href;
const plugins = ["in-process", "worker", "child-process"]
  .map((distance) => `  ${distance}: { entry: "${entry}", distance: ${distance} }`)
  .join("\n");

interface RunningDoor {
  readonly url: string;
  readonly port: number;
  readonly directory: string;
  readonly host: RunningProgram;
  /** Runs the command in the host's directory. */
  command(
    ...args: string[]
  ): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>;
  /** A new token. */
  token(name: string, ...args: string[]): Promise<string>;
}

/** A host of three plugins of the same service, one at each distance. */
async function runDoor(
  options: { readonly prefer?: string; readonly door?: string } = {},
): Promise<RunningDoor> {
  const directory = makeTemporaryDirectory();
  const { prefer = "child-process", door = "{ listen: 127.0.0.1:0 }" } = options;
  writeFileSync(
    join(directory, "connect-plugin.yaml"),
    `plugins:\n${plugins}\nprefer: { probe.v1.ProbeService: ${prefer} }\ndoor: ${door}\n`,
  );
  const host = runNode([main, "run", "--json"], { cwd: directory });
  const ready = JSON.parse(await host.nextLine()) as { readonly type: string; readonly door: string };
  expect(ready).toMatchObject({ type: "host.ready" });
  const command: RunningDoor["command"] = async (...args) => await runCommand(directory, args);
  return {
    url: ready.door,
    port: Number(new URL(ready.door).port),
    directory,
    host,
    command,
    async token(name, ...args) {
      const { code, stdout, stderr } = await command("token", "create", "--name", name, ...args);
      expect({ code, stderr }).toMatchObject({ code: 0 });
      return stdout.trim();
    },
  };
}

async function runCommand(cwd: string, args: readonly string[]) {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [main, ...args], { cwd });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

type Make = (options: { readonly baseUrl: string; readonly token?: string }) => Transport;

function bearer(token: string | undefined): Interceptor[] {
  if (token === undefined) return [];
  return [
    (next) => async (call) => {
      call.header.set("authorization", `Bearer ${token}`);
      return await next(call);
    },
  ];
}

const overConnect: Make = ({ baseUrl, token }) =>
  createConnectTransport({ baseUrl, httpVersion: "1.1", interceptors: bearer(token) });
const overConnectH2: Make = ({ baseUrl, token }) =>
  createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: false, interceptors: bearer(token) });
const overGrpc: Make = ({ baseUrl, token }) => createGrpcTransport({ baseUrl, interceptors: bearer(token) });
const overGrpcWeb: Make = ({ baseUrl, token }) =>
  createGrpcWebTransport({ baseUrl, httpVersion: "1.1", interceptors: bearer(token) });

/** A request as it is, with its fields in order and as often as they are given. */
function post(port: number, fields: readonly string[], path = "/probe.v1.ProbeService/Echo") {
  return new Promise<{ readonly status: number; readonly body: string }>((resolve, reject) => {
    const sent = request(
      {
        port,
        host: "127.0.0.1",
        method: "POST",
        path,
        headers: [
          "Host",
          "door",
          "Content-Type",
          "application/json",
          "Content-Length",
          "2",
          ...fields,
        ] as never,
      },
      (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (text: string) => {
          body += text;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      },
    );
    sent.on("error", reject);
    sent.end("{}");
  });
}

const reasonOf = (body: string) => {
  const { code, message, details } = JSON.parse(body) as {
    readonly code: string;
    readonly message: string;
    readonly details: readonly { readonly value: string }[];
  };
  const reason = /CREDENTIAL_[A-Z]+/.exec(
    Buffer.from(details[0]?.value ?? "", "base64").toString("latin1"),
  )?.[0];
  return { code, message, reason };
};

describe("who may come in (G03, F3.1, F4.3)", () => {
  it("only who shows one good token, and a revoked one is bad with the next request", async () => {
    const door = await runDoor();
    const good = await door.token("shop", "--claim", "team=checkout");
    const [id = "", secret = ""] = good.split(".");
    expect(good).toMatch(/^[\w-]{22}\.[\w-]{43}$/);
    const authorization = ["Authorization", `Bearer ${good}`];
    expect(await post(door.port, authorization)).toMatchObject({ status: 200 });

    const flipped = `${secret.slice(0, -2)}${secret.endsWith("AA") ? "BB" : "AA"}`;
    const cases: readonly (readonly [string, readonly string[], string])[] = [
      ["no token", [], "CREDENTIAL_MISSING"],
      ["a wrong secret", ["Authorization", `Bearer ${id}.${flipped}`], "CREDENTIAL_INVALID"],
      ["another token's id", ["Authorization", `Bearer ${"A".repeat(22)}.${secret}`], "CREDENTIAL_INVALID"],
      ["no secret", ["Authorization", `Bearer ${id}.`], "CREDENTIAL_INVALID"],
      [
        "another scheme",
        ["Authorization", `Basic ${Buffer.from(good).toString("base64")}`],
        "CREDENTIAL_INVALID",
      ],
      ["the field twice", [...authorization, ...authorization], "CREDENTIAL_AMBIGUOUS"],
      [
        "the field twice, spelled otherwise",
        [...authorization, "aUTHORIZATION", "Bearer x"],
        "CREDENTIAL_AMBIGUOUS",
      ],
      ["two in one field", ["Authorization", `Bearer x, Bearer ${good}`], "CREDENTIAL_AMBIGUOUS"],
      ["a key beside it", [...authorization, "X-API-Key", "k"], "CREDENTIAL_AMBIGUOUS"],
      [
        "a runtime id beside it",
        [...authorization, "X-Plugin-Runtime-Id", "kv-00000000"],
        "CREDENTIAL_AMBIGUOUS",
      ],
      ["only a runtime id", ["X-Plugin-Runtime-Id", "kv-00000000"], "CREDENTIAL_MISSING"],
    ];
    for (const [what, fields, wanted] of cases) {
      const { status, body } = await post(door.port, fields);
      expect({ what, status, ...reasonOf(body) }).toMatchObject({
        what,
        status: 401,
        code: "unauthenticated",
        reason: wanted,
      });
      expect(body).not.toContain(secret.slice(0, 20));
    }

    const record = JSON.parse((await door.command("token", "list", "--json")).stdout) as Record<
      string,
      unknown
    >;
    expect(record).toMatchObject({
      id,
      name: "shop",
      kind: "application",
      expired: false,
      claims: { team: "checkout" },
    });
    const file = join(door.directory, ".connect-plugin", "tokens.json");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, "utf8")).not.toContain(secret);

    expect(await door.command("token", "create", "--name", "shop")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("TOKEN_NAME_TAKEN"),
    });
    expect(await door.command("token", "revoke", good)).toMatchObject({
      code: 1,
      stderr: expect.not.stringContaining(secret),
    });
    expect(await door.command("token", "revoke", id)).toMatchObject({ code: 0 });
    const revoked = await post(door.port, authorization);
    expect({ status: revoked.status, ...reasonOf(revoked.body) }).toMatchObject({
      status: 401,
      reason: "CREDENTIAL_INVALID",
      message: expect.stringContaining("was revoked"),
    });
  }, 60_000);

  it("not with a token that has expired, or one of another kind; and no calls go on with one that ends", async () => {
    const door = await runDoor();
    const file = join(door.directory, ".connect-plugin", "tokens.json");
    const expiring = await door.token("short");
    const other = await door.token("joiner");
    const keeper = await door.token("keeper");
    const edit = (name: string, change: object) => {
      const read = JSON.parse(readFileSync(file, "utf8")) as {
        readonly format: number;
        tokens: { name: string }[];
      };
      read.tokens = read.tokens.map((token) => (token.name === name ? { ...token, ...change } : token));
      writeFileSync(file, JSON.stringify(read), { mode: 0o600 });
    };
    const probe = createClient(ProbeService, overGrpc({ baseUrl: door.url, token: expiring }));
    const counting = probe.count({ tag: "expiring" })[Symbol.asyncIterator]();
    expect(await counting.next()).toMatchObject({ value: { number: 0 } });

    edit("joiner", { kind: "join" });
    edit("short", { expires: new Date(Date.now() - 1_000).toISOString() });
    for (const [token, message] of [
      [expiring, /the token "short" expired at /],
      [other, /is not one of this host's applications'/],
    ] as const) {
      const { status, body } = await post(door.port, ["Authorization", `Bearer ${token}`]);
      expect({ status, ...reasonOf(body) }).toMatchObject({
        status: 401,
        reason: "CREDENTIAL_INVALID",
        message: expect.stringMatching(message),
      });
    }
    // The stream that the expired token began ends, though nobody asked for anything.
    const failure = await failureOf(
      (async () => {
        for (;;) if ((await counting.next()).done) return;
      })(),
    );
    expect(failure).toMatchObject({ code: "Canceled", message: expect.stringContaining('external "short"') });

    // A file that others could have written lets nobody in.
    const fields = ["Authorization", `Bearer ${keeper}`];
    expect(await post(door.port, fields)).toMatchObject({ status: 200 });
    await promisify(execFile)("chmod", ["644", file]);
    expect(await post(door.port, fields)).toMatchObject({ status: 401 });
    await promisify(execFile)("chmod", ["600", file]);
    expect(await post(door.port, fields)).toMatchObject({ status: 200 });
  }, 60_000);
});

describe("the door does not open (G02, F4.1)", () => {
  it.each([
    ["in cleartext", "{ listen: 0.0.0.0:0 }", "TLS and a token"],
    ["for a name that may be anything", "{ listen: example.test:0 }", "TLS and a token"],
  ])("beyond this machine %s", async (_, door, missing) => {
    const directory = makeTemporaryDirectory();
    writeFileSync(join(directory, "connect-plugin.yaml"), `plugins:\n${plugins}\ndoor: ${door}\n`);
    const ended = await runNode([main, "run", "--json"], { cwd: directory }).ended;
    expect(ended).toMatchObject({ code: 3, stdout: "" });
    expect(JSON.parse(ended.stderr)).toMatchObject({
      error: {
        reason: "LISTEN_REFUSED",
        fault: "operator",
        message: expect.stringContaining(`but ${missing} is missing`),
      },
    });
  });

  it("for a configuration that says nothing sensible", async () => {
    const directory = makeTemporaryDirectory();
    writeFileSync(
      join(directory, "connect-plugin.yaml"),
      `plugins:\n${plugins}\ndoor: { listen: somewhere }\n`,
    );
    const ended = await runNode([main, "run"], { cwd: directory }).ended;
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain("door.listen: wanted HOST:PORT such as 127.0.0.1:8443, or unix:PATH");
  });
});

describe("what an application may call (G03)", () => {
  it.each([
    { over: "Connect over HTTP/1.1", make: overConnect, prefer: "in-process" },
    { over: "Connect JSON over HTTP/2", make: overConnectH2, prefer: "worker" },
    { over: "gRPC", make: overGrpc, prefer: "child-process" },
    { over: "gRPC-Web", make: overGrpcWeb, prefer: "child-process" },
  ])(
    "every kind of method, over $over, of a plugin at $prefer",
    async ({ make, prefer }) => {
      const door = await runDoor({ prefer });
      const token = await door.token("shop", "--claim", "team=checkout");
      const probe = createClient(ProbeService, make({ baseUrl: door.url, token }));

      const payload = new Uint8Array(200_000).map((_, index) => index % 251);
      const echo = await probe.echo({ text: "grüß dich", payload });
      expect(echo).toMatchObject({ text: "grüß dich", plugin: prefer });
      expect(Buffer.compare(echo.payload, payload)).toBe(0);

      const numbers: number[] = [];
      for await (const { number } of probe.count({ count: 300, payloadBytes: 500 })) numbers.push(number);
      expect(numbers).toEqual(Array.from({ length: 300 }, (_, index) => index));

      async function* summands() {
        for (let number = 1n; number <= 100n; number++) yield { number };
      }
      expect(await probe.sum(summands())).toMatchObject({ sum: 5_050n, messages: 100 });

      async function* texts() {
        for (const text of ["a", "b", "c"]) yield { text };
      }
      const answers: string[] = [];
      for await (const { text } of probe.chat(texts())) answers.push(text);
      expect(answers).toEqual(["a", "b", "c"]);

      // The handler is told who calls, by the token, whatever the caller says.
      const headers = { "x-plugin-team": "other", "probe-said": "yes" };
      const seen = await probe.look({}, { headers, timeoutMs: 20_000 });
      expect(seen.caller).toMatchObject({
        kind: "external",
        name: "shop",
        runtimeId: expect.stringMatching(/^shop-/),
      });
      expect(seen.headers).toMatchObject({ "probe-said": "yes" });
      expect(Object.keys(seen.headers)).not.toContain("x-plugin-team");
      expect(JSON.stringify(seen.headers)).not.toContain(token);
      expect(seen.remainingMs).toBeGreaterThan(0);
    },
    60_000,
  );

  it("nothing that is the operator's, the plugins' or the host's own", async () => {
    const door = await runDoor();
    const transport = overGrpc({ baseUrl: door.url, token: await door.token("nosy") });
    const attempts = {
      admin: createClient(AdminService, transport).listPlugins({}),
      stop: createClient(AdminService, transport).stopHost({}),
      watch: createClient(HostSessionService, transport).watchProviders({})[Symbol.asyncIterator]().next(),
      session: createClient(PluginSessionService, transport).drain({}),
      capability: createClient(Logger, transport).log({ message: "hello" }),
    };
    for (const [what, attempt] of Object.entries(attempts)) {
      const error: unknown = await attempt.then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (!(error instanceof ConnectError)) throw new Error(`${what} was let through`);
      expect({ what, code: Code[error.code], reason: failureInfo(error)?.reason }).toEqual({
        what,
        code: "Unavailable",
        reason: "NO_PROVIDER",
      });
    }
    expect(await createClient(GrpcHealth, transport).check({})).toMatchObject({
      status: GrpcServingStatus.SERVING,
    });
  }, 60_000);
});

describe("health and reflection", () => {
  it("are told to probes and tools that are not ours", async () => {
    const door = await runDoor();
    const token = await door.token("tools");
    const transport = overGrpc({ baseUrl: door.url, token });
    const health = createClient(GrpcHealth, transport);
    const service = ProbeService.typeName;
    expect(await health.check({ service })).toMatchObject({ status: GrpcServingStatus.SERVING });
    expect(await failureOf(health.check({ service: "no.v1.Body" }))).toMatchObject({ code: "NotFound" });
    expect(await (await fetch(`${door.url}/readyz`)).text()).toBe("ready");
    expect((await fetch(`${door.url}/healthz`)).status).toBe(200);
    const watched: GrpcServingStatus[] = [];
    const giveUp = new AbortController();
    const watching = (async () => {
      for await (const { status } of health.watch({ service: "no.v1.Body" }, { signal: giveUp.signal }))
        watched.push(status);
    })().catch((error: unknown) => error);
    await until("the watch has begun", () => watched.length === 1);
    expect(watched).toEqual([GrpcServingStatus.SERVICE_UNKNOWN]);
    giveUp.abort();
    expect(await watching).toMatchObject({ code: Code.Canceled });

    for (const desc of [ServerReflection, ServerReflectionV1Alpha]) {
      const questions = [
        { case: "listServices" as const, value: "" },
        { case: "fileContainingSymbol" as const, value: `${service}.Echo` },
        { case: "fileContainingSymbol" as const, value: "no.v1.Body" },
      ];
      async function* asked() {
        for (const messageRequest of questions) yield { messageRequest };
      }
      const client = createClient(desc as typeof ServerReflection, transport);
      const answers = [];
      for await (const { messageResponse } of client.serverReflectionInfo(asked()))
        answers.push(messageResponse);
      expect(answers[0]).toMatchObject({
        case: "listServicesResponse",
        value: {
          service: [
            { name: "grpc.health.v1.Health" },
            { name: "grpc.reflection.v1.ServerReflection" },
            { name: "grpc.reflection.v1alpha.ServerReflection" },
            { name: service },
          ],
        },
      });
      expect(answers[1]).toMatchObject({ case: "fileDescriptorResponse" });
      expect(answers[2]).toMatchObject({ case: "errorResponse", value: { errorCode: Code.NotFound } });
    }
    expect(
      await failureOf(createClient(GrpcHealth, overGrpc({ baseUrl: door.url })).check({})),
    ).toMatchObject({
      code: "Unauthenticated",
      reason: "CREDENTIAL_MISSING",
    });

    const buf = join(
      dirname(createRequire(import.meta.url).resolve("@bufbuild/buf/package.json")),
      "bin",
      "buf",
    );
    const header = `Authorization: Bearer ${token}`;
    for (const protocol of ["grpc", "connect", "grpcweb"]) {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [
          buf,
          "curl",
          "--protocol",
          protocol,
          "--http2-prior-knowledge",
          "--reflect-header",
          header,
          "-H",
          header,
        ].concat("-d", '{"text":"hello"}', `${door.url}/${service}/Echo`),
        { cwd: door.directory },
      );
      expect(JSON.parse(stdout)).toMatchObject({ text: "hello", plugin: "child-process" });
    }
  }, 60_000);
});
