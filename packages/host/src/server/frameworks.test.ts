import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createClient } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import express from "express";
import fastify from "fastify";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTestDoor, stopping, type TestDoor, Text } from "./fixtures/test-door.js";

// The door's handler in servers of others.

let bench: TestDoor;

beforeAll(async () => {
  bench = await openTestDoor();
});

afterAll(() => bench.listener.close(stopping(), 0));

async function callAll(baseUrl: string, httpVersion: "1.1" | "2") {
  const options = { baseUrl, httpVersion };
  const transports = [
    createConnectTransport({ ...options, useBinaryFormat: false }),
    createConnectTransport({ ...options, useBinaryFormat: true }),
    createGrpcWebTransport(options),
    ...(httpVersion === "2" ? [createGrpcTransport({ baseUrl })] : []),
  ];
  for (const transport of transports) {
    const client = createClient(Text, transport);
    expect((await client.say({ value: "x" })).value).toBe("you said x");
    const letters: string[] = [];
    for await (const { value } of client.watch({ value: "abc" })) letters.push(value);
    expect(letters).toEqual(["a", "b", "c"]);
  }
}

test("Express, beside routes of its own", async () => {
  const app = express();
  app.get("/own", (_request, response) => void response.send("own"));
  app.use(bench.door.handle);
  const server: Server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await callAll(url, "1.1");
  expect(await (await fetch(`${url}/own`)).text()).toBe("own");
  server.close();
  server.closeAllConnections();
});

describe("Fastify, beside routes of its own", () => {
  /** The door reads bodies itself. */
  const noParser = (_request: unknown, _payload: unknown, done: (error: null) => void) => done(null);

  test("over HTTP/1.1", async () => {
    const app = fastify();
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", noParser);
    app.all("/*", (request, reply) => {
      reply.hijack();
      bench.door.handle(request.raw, reply.raw);
    });
    app.get("/own", async () => "own");
    const url = await app.listen({ port: 0, host: "127.0.0.1" });
    await callAll(url, "1.1");
    expect(await (await fetch(`${url}/own`)).text()).toBe("own");
    await app.close();
  });

  test("over HTTP/2", async () => {
    const app = fastify({ http2: true, http2SessionTimeout: 1_000, forceCloseConnections: true });
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", noParser);
    app.all("/*", (request, reply) => {
      reply.hijack();
      bench.door.handle(request.raw, reply.raw);
    });
    const url = await app.listen({ port: 0, host: "127.0.0.1" });
    await callAll(url, "2");
    await app.close();
  });
});
