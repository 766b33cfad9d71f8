import { execFile } from "node:child_process";
import { once } from "node:events";
import { chmod, readFile, stat } from "node:fs/promises";
import { createServer as createHttp1 } from "node:http";
import { createServer as createHttp2 } from "node:http2";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { promisify } from "node:util";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, test } from "vitest";
import { createDoor } from "./door.js";
import { openRaw, requestText } from "./fixtures/raw-http.js";
import { openTestDoor, socketDirectory, stopping, Text } from "./fixtures/test-door.js";
import { createListener } from "./listener.js";

const run = promisify(execFile);
const SAY = `/${Text.typeName}/Say`;
const CALL = requestText(`POST ${SAY}`, { "content-type": "application/json", "content-length": 3 }, '"a"');

function clientOf(baseUrl: string, httpVersion: "1.1" | "2", nodeOptions: object = {}) {
  return createClient(Text, createConnectTransport({ baseUrl, httpVersion, nodeOptions }));
}

async function settled(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("HTTP/1.1 and HTTP/2 on one port", async () => {
  await using bench = await openTestDoor();
  for (const version of ["1.1", "2"] as const) {
    const answer = await clientOf(bench.url, version).say({ value: version });
    expect(answer.value).toBe(`you said ${version}`);
  }
});

test("a preface that comes a byte at a time is still HTTP/2", async () => {
  await using bench = await openTestDoor();
  const { hostname, port } = new URL(bench.url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  socket.setNoDelay(true);
  for (const byte of Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")) {
    socket.write(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
  const [frame] = (await once(socket, "data")) as [Buffer];
  // The server's settings.
  expect(frame[3]).toBe(4);
  socket.destroy();
});

test("a unix socket, for its owner only; its file goes with it", async () => {
  await using directory = await socketDirectory();
  const path = join(directory.path, "door.sock");
  const asked: string[] = [];
  const bench = await openTestDoor({
    listener: { address: { path }, checkDirectory: async (checked) => void asked.push(checked) },
  });
  expect(bench.url).toBe(`unix:${path}`);
  expect(asked).toEqual([directory.path]);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  for (const version of ["1.1", "2"] as const) {
    const nodeOptions =
      version === "1.1" ? { socketPath: path } : { createConnection: () => connect({ path }) };
    const answer = await clientOf("http://door", version, nodeOptions).say({ value: "x" });
    expect(answer.value).toBe("you said x");
  }
  await bench[Symbol.asyncDispose]();
  await expect(stat(path)).rejects.toMatchObject({ code: "ENOENT" });
});

test("a unix socket whose directory is not private, or whose path is too long, is refused", async () => {
  const door = createDoor({ gate: { admit: () => ({ kind: "public" }) }, callsOf: refuseAll });
  await using directory = await socketDirectory();
  await chmod(directory.path, 0o755);
  const given = {
    door,
    hasTokens: false,
    checkDirectory: async () => Promise.reject(new Error("not private")),
  };
  await expect(createListener({ ...given, address: { path: join(directory.path, "s") } })).rejects.toThrow(
    "not private",
  );
  const long = createListener({ ...given, address: { path: `/${"x".repeat(103)}` } });
  await expect(long).rejects.toMatchObject({
    code: Code.FailedPrecondition,
    rawMessage:
      "the path of a unix socket may have 103 bytes, but that of the door has 104; choose a shorter one",
  });
});

function refuseAll(): never {
  throw new Error("nobody calls");
}

describe("beyond loopback", () => {
  test.each(["0.0.0.0", "::", "192.168.0.1", "example.internal", "127.0.0.1.example", "10.127.0.1"])(
    "%s in cleartext is refused",
    async (host) => {
      const opened = openTestDoor({ listener: { address: { port: 0, host }, hasTokens: true } });
      await expect(opened).rejects.toMatchObject({ code: Code.FailedPrecondition });
      await expect(opened).rejects.toThrow(
        `the door may listen at ${host}, where others can reach it, only with TLS and at least one token, but TLS is missing`,
      );
    },
  );

  test("with TLS, but without a token, too", async () => {
    const opened = openTestDoor({ listener: { address: { port: 0, host: "0.0.0.0" }, tls: {} } });
    await expect(opened).rejects.toThrow("but a token is missing");
  });
});

test("an address that is taken is told as such", async () => {
  await using bench = await openTestDoor();
  const port = Number(new URL(bench.url).port);
  const second = openTestDoor({ listener: { address: { port } } });
  await expect(second).rejects.toMatchObject({
    code: Code.Unavailable,
    rawMessage: `the door cannot listen at 127.0.0.1:${port} (EADDRINUSE); stop what listens there, or configure another address`,
  });
});

test("TLS: both versions of HTTP by ALPN, and HTTP/1.1 for who knows no ALPN", async () => {
  await using directory = await socketDirectory();
  const at = (name: string) => join(directory.path, name);
  await run("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...["-keyout", at("key.pem"), "-out", at("cert.pem"), "-days", "2", "-subj", "/CN=localhost"],
    ...["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
  ]);
  const [key, cert] = await Promise.all([readFile(at("key.pem")), readFile(at("cert.pem"))]);
  await using bench = await openTestDoor({ listener: { tls: { key, cert } } });
  expect(bench.url).toMatch(/^https:/);
  for (const version of ["1.1", "2"] as const) {
    const answer = await clientOf(bench.url, version, { ca: cert }).say({ value: version });
    expect(answer.value).toBe(`you said ${version}`);
  }
  const grpc = createClient(Text, createGrpcTransport({ baseUrl: bench.url, nodeOptions: { ca: cert } }));
  expect((await grpc.say({ value: "x" })).value).toBe("you said x");
  const port = Number(new URL(bench.url).port);
  const plain = connectTls({ port, host: "127.0.0.1", ca: cert });
  await once(plain, "secureConnect");
  plain.write(CALL);
  const [answer] = (await once(plain, "data")) as [Buffer];
  expect(answer.toString()).toContain("200 OK");
  plain.destroy();
  // Cleartext at the port of TLS: cut, and nothing is left of it.
  await using raw = await openRaw(`http://127.0.0.1:${port}`);
  raw.send(CALL);
  await raw.ended;
});

describe("closing", () => {
  test("what is in flight ends well, and connections that wait end at once", async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const bench = await openTestDoor({
      implementation: {
        async say({ value }) {
          await gate;
          return { value };
        },
      },
    });
    await using idle = await openRaw(bench.url);
    idle.send(requestText("GET /nowhere", {}));
    await idle.answer();
    const answers = (["1.1", "2"] as const).map((version) =>
      clientOf(bench.url, version).say({ value: version }),
    );
    await settled(() => bench.active() === 2);
    const closed = bench.listener.close(stopping(), 10_000);
    await idle.ended;
    release();
    expect((await Promise.all(answers)).map(({ value }) => value)).toEqual(["1.1", "2"]);
    await closed;
    expect(bench.listener.connections).toBe(0);
    await expect(clientOf(bench.url, "1.1").say({})).rejects.toMatchObject({ code: Code.Unavailable });
  });

  test("new calls on a connection that is open are refused, and told to go", async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const bench = await openTestDoor({
      implementation: {
        async say({ value }) {
          await gate;
          return { value };
        },
      },
    });
    await using raw = await openRaw(bench.url);
    raw.send(CALL + CALL);
    await settled(() => bench.active() === 2);
    const closed = bench.listener.close(stopping(), 10_000);
    raw.send(CALL);
    release();
    const first = await raw.answer();
    expect(first).toMatchObject({ status: 200, fields: { connection: "close" } });
    await raw.ended;
    await closed;
  });

  test("what does not end in its time is ended, with a clear answer", async () => {
    const bench = await openTestDoor({
      implementation: {
        async *watch(_request, call) {
          yield { value: "first" };
          await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
        },
      },
    });
    const results = (["1.1", "2"] as const).map(async (version) => {
      const values: string[] = [];
      try {
        for await (const { value } of clientOf(bench.url, version).watch({})) values.push(value);
      } catch (error) {
        return { values, error: ConnectError.from(error) };
      }
      return { values, error: undefined };
    });
    await settled(() => bench.active() === 2);
    await bench.listener.close(stopping(), 50);
    for (const { values, error } of await Promise.all(results)) {
      expect(values).toEqual(["first"]);
      expect(error?.code).toBe(Code.Unavailable);
      expect(error?.rawMessage).toBe("The test is over.");
    }
    await settled(() => bench.active() === 0);
    expect(bench.door.active).toBe(0);
    expect(bench.listener.connections).toBe(0);
  });
});

describe("as a handler in somebody else's server", () => {
  test("of node:http and of http2", async () => {
    await using bench = await openTestDoor();
    const http1 = createHttp1(bench.door.handle).listen(0, "127.0.0.1");
    const http2 = createHttp2(bench.door.handle).listen(0, "127.0.0.1");
    await Promise.all([once(http1, "listening"), once(http2, "listening")]);
    const urlOf = (server: typeof http1 | typeof http2) =>
      `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect((await clientOf(urlOf(http1), "1.1").say({ value: "1" })).value).toBe("you said 1");
    const transport = createGrpcTransport({ baseUrl: urlOf(http2) });
    expect((await createClient(Text, transport).say({ value: "2" })).value).toBe("you said 2");
    http1.close();
    http1.closeAllConnections();
    http2.close();
  });
});
