import { describe, expect, test } from "vitest";
import { askHttp2, openHttp2 } from "./fixtures/raw-http.js";
import { openTestDoor, Text } from "./fixtures/test-door.js";
import { Base64Reader } from "./protocol/base64-reader.js";
import { envelope } from "./protocol/envelope.js";

describe("gRPC-Web as text", () => {
  test("base64 both ways", async () => {
    await using bench = await openTestDoor();
    await using http2 = openHttp2(bench.url);
    const type = "application/grpc-web-text+json";
    const request = envelope(0, Buffer.from('"ab"')).toString("base64");
    const answer = await askHttp2(
      http2.session,
      { ":path": `/${Text.typeName}/Watch`, "content-type": type },
      Buffer.from(request),
    );
    expect(answer.header["content-type"]).toBe(type);
    const reader = new Base64Reader();
    const body = Buffer.from(reader.read(answer.body) ?? []).toString("latin1");
    expect(body).toBe('\0\0\0\0\u0003"a"\0\0\0\0\u0003"b"\u0080\0\0\0\u0010grpc-status: 0\r\n');
  });

  test("what is no base64 is refused", async () => {
    await using bench = await openTestDoor();
    await using http2 = openHttp2(bench.url);
    const answer = await askHttp2(
      http2.session,
      { ":path": `/${Text.typeName}/Watch`, "content-type": "application/grpc-web-text" },
      Buffer.from("not base64!"),
    );
    const body = Buffer.from(answer.body.toString(), "base64").toString();
    expect(body).toContain("grpc-status: 3\r\n");
    expect(body).toContain("grpc-message: The body of gRPC-Web as text is not base64.");
  });
});

describe("the reader of base64", () => {
  const bytes = Buffer.from("what was encoded in parts, with padding in the middle");
  const text = [bytes.subarray(0, 1), bytes.subarray(1, 6), bytes.subarray(6)]
    .map((part) => part.toString("base64"))
    .join("");

  test("takes chunks cut anywhere", () => {
    for (let size = 1; size <= text.length; size++) {
      const reader = new Base64Reader();
      const parts: Uint8Array[] = [];
      for (let at = 0; at < text.length; at += size) {
        parts.push(reader.read(Buffer.from(text.slice(at, at + size))) ?? Buffer.from("?"));
      }
      expect(Buffer.concat(parts).toString()).toBe(bytes.toString());
      expect(reader.inside).toBe(false);
    }
  });

  test.each(["a=bc", "====", "ab=c", "a===", "a b=", "ab-_"])("refuses %j", (broken) => {
    expect(new Base64Reader().read(Buffer.from(broken))).toBeUndefined();
  });

  test("knows when it is in the middle of a group", () => {
    const reader = new Base64Reader();
    expect(reader.read(Buffer.from("YWJjZ"))).toEqual(Buffer.from("abc"));
    expect(reader.inside).toBe(true);
  });
});
