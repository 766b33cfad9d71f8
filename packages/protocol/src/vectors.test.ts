import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import {
  createRegistry,
  type DescMessage,
  type DescMethod,
  equals,
  fromBinary,
  fromJsonString,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { openEnvelopes } from "./fixtures/envelopes.js";
import { describeKvService } from "./fixtures/kv-service.js";
import {
  CapabilityBroker,
  Codes,
  HandshakeService,
  HealthService,
  Logger,
  PluginControl,
  PluginIdentity,
  PluginLifecycle,
  ServiceRegistry,
} from "./index.js";

// What connect-plugin for Go really sends, recorded. The recordings lie beside the repository, not in it.
const file = fileURLToPath(new URL("../../../../shared/vectors/connect-plugin-go.json", import.meta.url));
const recorded = existsSync(file);

interface Message {
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyBase64: string;
}

interface Exchange {
  readonly seq: number;
  readonly step: string;
  readonly request: Message & { readonly method: string; readonly path: string };
  readonly response: Message & { readonly status: number };
}

const exchanges: readonly Exchange[] = recorded ? JSON.parse(readFileSync(file, "utf8")) : [];

const registry = createRegistry(
  HandshakeService,
  CapabilityBroker,
  ServiceRegistry,
  PluginLifecycle,
  PluginControl,
  PluginIdentity,
  HealthService,
  Logger,
  describeKvService(),
);

/** What a body turned out to be. */
type Content = "proto" | "json" | "stream" | "grpc-web" | "error" | "plain text" | "probe";

function methodOf(path: string): DescMethod {
  const [service, name] = path.startsWith("/services/kv/")
    ? ["kv.v1.KVService", path.split("/").at(-1)]
    : path.split("/").slice(-2);
  const method = registry.getService(service ?? "")?.methods.find((one) => one.name === name);
  if (method === undefined) throw new Error(`no method for ${path}`);
  return method;
}

function bodyOf({ headers, bodyBase64 }: Message): Uint8Array {
  const body = Buffer.from(bodyBase64, "base64");
  return headers["Content-Encoding"] === "gzip" ? gunzipSync(body) : body;
}

function expectSameBytes(desc: DescMessage, bytes: Uint8Array): void {
  const message = fromBinary(desc, bytes);
  expect(message.$unknown ?? []).toEqual([]);
  const again = toBinary(desc, message);
  expect(equals(desc, fromBinary(desc, again), message)).toBe(true);
  expect(Buffer.from(again).toString("hex")).toBe(Buffer.from(bytes).toString("hex"));
}

function expectSameStream(desc: DescMessage, body: Uint8Array): void {
  const envelopes = openEnvelopes(body);
  expect(envelopes.length).toBeGreaterThan(0);
  for (const { flags, data } of envelopes) {
    const plain = (flags & 0x01) === 0 ? data : gunzipSync(data);
    if ((flags & 0x02) !== 0) expect(JSON.parse(Buffer.from(plain).toString("utf8"))).toBeTypeOf("object");
    else if ((flags & 0x80) !== 0)
      expect(Buffer.from(plain).toString("latin1")).toMatch(/^grpc-status: ?0\r?$/im);
    else expectSameBytes(desc, plain);
  }
}

function expectSameMessage(message: Message, desc: () => DescMessage, status?: number): Content {
  const body = bodyOf(message);
  const type = message.headers["Content-Type"] ?? "";
  switch (type) {
    case "application/proto":
      expectSameBytes(desc(), body);
      return "proto";
    case "application/connect+proto":
      expectSameStream(desc(), body);
      return "stream";
    case "application/grpc-web+proto":
      expectSameStream(desc(), body);
      return "grpc-web";
    case "application/json": {
      const text = Buffer.from(body).toString("utf8");
      if (status !== undefined && status !== 200) {
        const error: { code: string; message: string } = JSON.parse(text);
        expect(Object.keys(error).sort()).toEqual(["code", "message"]);
        expect(Object.keys(Codes)).toContain(error.code);
        expect(JSON.stringify(error)).toBe(text);
        return "error";
      }
      expect(toJson(desc(), fromJsonString(desc(), text))).toEqual(JSON.parse(text));
      return "json";
    }
    case "text/plain; charset=utf-8":
      expect(status).toBeGreaterThanOrEqual(400);
      return "plain text";
    default:
      expect(type).toBe("");
      expect(status ?? 200).toBe(200);
      return "probe";
  }
}

describe.skipIf(!recorded)("the recorded wire of connect-plugin for Go", () => {
  const contents: Content[] = [];

  test.each(exchanges.map((exchange) => [`${exchange.seq} ${exchange.step}`, exchange] as const))(
    "%s",
    (_, { request, response }) => {
      const input = expectSameMessage(request, () => methodOf(request.path).input);
      const output = expectSameMessage(response, () => methodOf(request.path).output, response.status);
      contents.push(output);
      // A probe has no body in either direction that could be a message; everything else is sent as one.
      expect(input === "probe").toBe(request.method === "GET");
    },
  );

  test("has all 43 exchanges, each of a kind", () => {
    expect(exchanges).toHaveLength(43);
    const count = (content: Content) => contents.filter((one) => one === content).length;
    expect({
      proto: count("proto"),
      json: count("json"),
      stream: count("stream"),
      grpcWeb: count("grpc-web"),
      error: count("error"),
      plainText: count("plain text"),
      probe: count("probe"),
    }).toEqual({ proto: 25, json: 2, stream: 2, grpcWeb: 2, error: 6, plainText: 4, probe: 2 });
  });
});
