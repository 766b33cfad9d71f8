import { createHash } from "node:crypto";
import { create, type DescMessage, equals, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { changedMessages, filledMessage } from "./fixtures/filled-message.js";
import {
  type HandshakeRequest,
  HandshakeRequestSchema,
  type HandshakeResponse,
  HandshakeResponseSchema,
} from "./gen/connectplugin/v1/handshake_pb.js";
import { clientTranscript, serverTranscript } from "./transcript.js";

const fullRequest = () => filledMessage(HandshakeRequestSchema) as HandshakeRequest;
const fullResponse = () => filledMessage(HandshakeResponseSchema) as HandshakeResponse;

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function changes<M extends Message>(desc: DescMessage, copy: () => Message): [string, M][] {
  return [...changedMessages(desc, copy)].map(([path, message]) => [path, message as M]);
}

const requestChanges = changes<HandshakeRequest>(HandshakeRequestSchema, fullRequest);
const responseChanges = changes<HandshakeResponse>(HandshakeResponseSchema, fullResponse);

describe("f-1-1 whoever changes a field on the way changes the transcript", () => {
  const client = hex(clientTranscript(fullRequest()));
  const server = hex(serverTranscript(fullRequest(), fullResponse()));

  test.each(requestChanges.filter(([path]) => path !== "transcript_mac"))("request: %s", (_, request) => {
    expect(hex(clientTranscript(request))).not.toBe(client);
    expect(hex(serverTranscript(request, fullResponse()))).not.toBe(server);
  });

  test.each(responseChanges.filter(([path]) => path !== "challenge_response"))(
    "response: %s",
    (_, response) => {
      expect(hex(serverTranscript(fullRequest(), response))).not.toBe(server);
    },
  );

  test("no two of these changes look alike", () => {
    const all = new Set([
      client,
      server,
      ...requestChanges.map(([, request]) => hex(clientTranscript(request))),
      ...responseChanges.map(([, response]) => hex(serverTranscript(fullRequest(), response))),
    ]);
    // The MACs are the two changes that make no difference.
    expect(all.size).toBe(2 + requestChanges.length - 1 + responseChanges.length - 1);
  });

  test("only the MACs are left out: they are made of the rest", () => {
    const request = { ...fullRequest(), transcriptMac: Uint8Array.of(1) };
    const response = { ...fullResponse(), challengeResponse: Uint8Array.of(1) };
    expect(hex(clientTranscript(request))).toBe(client);
    expect(hex(serverTranscript(request, response))).toBe(server);
  });
});

describe("both sides have the same transcript", () => {
  test("after the wire", () => {
    const request = fromBinary(HandshakeRequestSchema, toBinary(HandshakeRequestSchema, fullRequest()));
    const response = fromBinary(HandshakeResponseSchema, toBinary(HandshakeResponseSchema, fullResponse()));
    expect(hex(serverTranscript(request, response))).toBe(
      hex(serverTranscript(fullRequest(), fullResponse())),
    );
  });

  test("in whatever order a map was written", () => {
    const one = create(HandshakeRequestSchema, {
      clientMetadata: { a: "1", b: "2", "\u{1f600}": "3", "\uffff": "4" },
    });
    const other = create(HandshakeRequestSchema, {
      clientMetadata: { "\uffff": "4", "\u{1f600}": "3", b: "2", a: "1" },
    });
    expect(hex(clientTranscript(one))).toBe(hex(clientTranscript(other)));
  });

  test("and a client's is never a server's, whatever is in them", () => {
    const label = (bytes: Uint8Array) => Buffer.from(bytes.subarray(4, 4 + 34)).toString("utf8");
    expect(label(clientTranscript(fullRequest()))).toBe("connect-plugin handshake v1 client");
    expect(label(serverTranscript(fullRequest(), fullResponse()))).toBe("connect-plugin handshake v1 server");
  });
});

describe("transcripts are equal only if the messages are", () => {
  const text = fc.string({ maxLength: 3, unit: fc.constantFrom("a", "\u0000", "é") });
  const texts = fc.array(text, { maxLength: 3 });
  const requests = fc
    .record({
      coreProtocolVersion: fc.integer({ min: 0, max: 2 }),
      magicCookieKey: text,
      magicCookieValue: text,
      requestedPlugins: texts,
      clientMetadata: fc.dictionary(text, text, { maxKeys: 2 }),
      selfId: text,
      features: texts,
      supportedCoreVersions: fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 2 }),
      supportedAppVersions: fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 2 }),
      requires: fc.array(fc.record({ key: text, methods: texts }), { maxLength: 2 }),
    })
    .map((fields) => create(HandshakeRequestSchema, fields));

  test("however bytes are moved from one field to the next", () => {
    fc.assert(
      fc.property(requests, requests, (one, other) => {
        expect(hex(clientTranscript(one)) === hex(clientTranscript(other))).toBe(
          equals(HandshakeRequestSchema, one, other),
        );
      }),
      { numRuns: 500 },
    );
    const split = (key: string, value: string) =>
      hex(clientTranscript(create(HandshakeRequestSchema, { magicCookieKey: key, magicCookieValue: value })));
    expect(split("ab", "c")).not.toBe(split("a", "bc"));
  });
});

test("the bytes are fixed for ever", () => {
  const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  expect(
    hex(clientTranscript(create(HandshakeRequestSchema, { coreProtocolVersion: 1, selfId: "kv" }))),
  ).toBe(
    [
      "00000022",
      Buffer.from("connect-plugin handshake v1 client").toString("hex"),
      "00000001", // core_protocol_version
      "00000000", // app_protocol_version
      "00000000".repeat(4), // cookie key, cookie value, requested_plugins, client_metadata
      `00000002${Buffer.from("kv").toString("hex")}`, // self_id
      "00000000".repeat(11), // from self_version to sdk_version
      "00000000", // instances
    ].join(""),
  );
  expect([
    digest(clientTranscript(fullRequest())),
    digest(serverTranscript(fullRequest(), fullResponse())),
  ]).toEqual([
    "c560db0f9a32fc0f36158f784a58171e5e80ee275c563700caec03e459cfa8af",
    "248d386bbbe4473df8a8a8d8fdd53f27adfaa669ecda4fd9f9ef6d4cfd92546c",
  ]);
});
