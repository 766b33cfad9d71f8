import { createFailure } from "@connect-plugin/protocol";
import { describe, expect, test } from "vitest";
import { createPrincipals } from "../auth/principals.js";
import { createDoor } from "./door.js";
import { openRaw, type RawAnswer, requestText } from "./fixtures/raw-http.js";
import { openGate, openTestDoor, type TestDoor, Text } from "./fixtures/test-door.js";
import type { RequestHead } from "./gate.js";
import { createHealthRoutes } from "./health-routes.js";

const SAY = `/${Text.typeName}/Say`;

async function ask(
  bench: TestDoor,
  line: string,
  fields: Record<string, string | number> = {},
  body = "",
): Promise<RawAnswer> {
  await using raw = await openRaw(bench.url);
  raw.send(requestText(line, body === "" ? fields : { ...fields, "content-length": body.length }, body));
  return await raw.answer();
}

const JSON_CALL = { "content-type": "application/json" };

describe("the gate", () => {
  test("is asked about every call, before its body, and its refusal goes out in the caller's protocol", async () => {
    const seen: RequestHead[] = [];
    const failure = createFailure("CREDENTIAL_INVALID", "no");
    await using bench = await openTestDoor({
      door: {
        gate: {
          admit(head) {
            seen.push(head);
            return { kind: "refused", failure };
          },
        },
      },
    });
    // The body never comes.
    await using raw = await openRaw(bench.url);
    raw.send(
      requestText(`POST ${SAY}?a=b`, { ...JSON_CALL, "content-length": 10, Authorization: "Bearer x" }),
    );
    const answer = await raw.answer();
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.body)).toMatchObject({ code: "unauthenticated", message: "no" });
    expect(bench.heads).toEqual([]);
    const [head] = seen;
    expect(head).toMatchObject({ httpVersion: 1, method: "POST", path: SAY, query: "a=b", encrypted: false });
    expect(head?.remoteAddress).toBe("127.0.0.1");
  });

  test("sees every value of a field, however it is spelled", async () => {
    const seen: (readonly string[])[] = [];
    await using bench = await openTestDoor({
      door: {
        gate: {
          admit(head) {
            seen.push(head.fields("authorization"));
            return { kind: "public" };
          },
        },
      },
    });
    await using raw = await openRaw(bench.url);
    raw.send(
      `POST ${SAY} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nAuthorization: Bearer a\r\n` +
        `AUTHORIZATION: Bearer b\r\ncontent-length: 3\r\n\r\n"a"`,
    );
    expect((await raw.answer()).status).toBe(200);
    expect(seen).toEqual([["Bearer a", "Bearer b"]]);
  });

  test("says whose call it is, and which part of the path is no secret", async () => {
    const principal = createPrincipals().operator("somebody");
    const callers: unknown[] = [];
    await using bench = await openTestDoor({
      door: {
        gate: { admit: (head) => ({ kind: "principal", principal, path: head.path.replace("/secret", "") }) },
      },
      onCallsOf: (caller) => callers.push(caller),
    });
    const answer = await ask(bench, `POST /secret${SAY}`, JSON_CALL, '"a"');
    expect(answer).toMatchObject({ status: 200, body: '"you said a"' });
    expect(callers).toEqual([principal]);
  });

  test("credentials and what belongs to HTTP do not reach providers", async () => {
    await using bench = await openTestDoor();
    await ask(
      bench,
      `POST ${SAY}`,
      {
        ...JSON_CALL,
        authorization: "Bearer x",
        cookie: "a=b",
        te: "trailers",
        "X-Ask": "1",
        "user-agent": "u",
      },
      '"a"',
    );
    expect(bench.heads[0]?.header).toEqual([["x-ask", "1"]]);
  });
});

describe("plain routes", () => {
  test("health, without the gate", async () => {
    const refusing = {
      admit: () => ({ kind: "refused", failure: createFailure("HANDSHAKE_REQUIRED", "no") }) as const,
    };
    const known: Record<string, boolean> = { "kv.v1.Kv": true, "mail.v1.Mail": false };
    const isReady = (service: string | undefined) => (service === undefined ? true : known[service]);
    await using bench = await openTestDoor({
      door: { gate: refusing, routes: createHealthRoutes({ isReady }) },
    });
    const found = async (path: string) => {
      const { status, body } = await ask(bench, `GET ${path}`);
      return `${status} ${body}`;
    };
    expect(await found("/healthz")).toBe("200 ok");
    expect(await found("/health")).toBe("200 OK");
    expect(await found("/readyz")).toBe("200 ready");
    expect(await found("/readyz?service=kv.v1.Kv")).toBe("200 ready");
    expect(await found("/readyz?service=mail.v1.Mail")).toBe("503 not ready");
    expect(await found("/readyz?service=no.v1.No")).toBe("404 unknown service");
    expect((await ask(bench, "GET /healthz/more")).status).toBe(401);
    expect((await ask(bench, "POST /healthz", JSON_CALL, "{}")).status).toBe(200);
  });

  test("others, behind the gate: the longest prefix", async () => {
    const paths: string[] = [];
    const route = (path: string) => ({
      path,
      handle: ({
        response,
        path: asked,
      }: Parameters<ReturnType<typeof createHealthRoutes>[0]["handle"]>[0]) => {
        paths.push(`${path} ${asked}`);
        response.writeHead(200, { "content-length": 0 });
        response.end();
      },
    });
    await using bench = await openTestDoor({
      door: { gate: openGate, routes: [route("/s/"), route("/s/t/")] },
    });
    await ask(bench, "GET /s/x");
    await ask(bench, "DELETE /s/t/y");
    expect(paths).toEqual(["/s/ /s/x", "/s/t/ /s/t/y"]);
    expect((await ask(bench, "GET /s")).status).toBe(404);
    expect(bench.door.active).toBe(0);
  });

  test("paths that cannot be are refused when the door is made", () => {
    const make = (path: string) => () =>
      createDoor({
        gate: openGate,
        callsOf: () => ({ start: () => ({ message() {}, end() {}, cancel() {}, credit() {} }) }),
        routes: [
          { path, handle() {} },
          { path: "/a", handle() {} },
        ],
      });
    expect(make("x")).toThrow(new TypeError('routes: a path must begin with "/", got x'));
    expect(make("/a")).toThrow(new TypeError("routes: /a is there twice"));
  });
});

describe("web pages", () => {
  const asks = {
    origin: "https://app.example",
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type,authorization",
  };

  test("may not call until an operator says so", async () => {
    await using bench = await openTestDoor();
    const answer = await ask(bench, `OPTIONS ${SAY}`, asks);
    expect(answer.status).toBe(405);
    expect(Object.keys(answer.fields).filter((name) => name.startsWith("access-control-"))).toEqual([]);
  });

  test("may call if their origin is named, and read failures too", async () => {
    await using bench = await openTestDoor({ door: { cors: { origins: ["https://app.example"] } } });
    const asked = await ask(bench, `OPTIONS ${SAY}`, asks);
    expect(asked).toMatchObject({
      status: 204,
      fields: {
        "access-control-allow-origin": "https://app.example",
        "access-control-allow-methods": "GET, POST",
        "access-control-allow-headers": "content-type,authorization",
        "access-control-max-age": "7200",
      },
    });
    const answer = await ask(bench, `POST ${SAY}`, { ...JSON_CALL, origin: "https://app.example" }, '"a"');
    expect(answer.fields).toMatchObject({
      "access-control-allow-origin": "https://app.example",
      "access-control-expose-headers": "*",
      vary: "origin",
    });
    const failed = await ask(bench, "POST /nowhere", { ...JSON_CALL, origin: "https://app.example" }, "{}");
    expect(failed).toMatchObject({
      status: 404,
      fields: { "access-control-allow-origin": "https://app.example" },
    });
    for (const origin of ["https://other.example", "https://app.example.evil", "null"]) {
      const other = await ask(bench, `OPTIONS ${SAY}`, { ...asks, origin });
      expect(other.fields["access-control-allow-origin"]).toBeUndefined();
    }
  });

  test("what is no origin is refused when the door is made", () => {
    const make = () =>
      createDoor({ gate: openGate, callsOf: () => Object.create(null), cors: { origins: ["app.example"] } });
    expect(make).toThrow(
      'cors.origins: wanted "*" or an origin such as https://app.example, got app.example',
    );
  });
});

test("what is handed in may throw: the caller gets an answer, and the door goes on", async () => {
  const secret = () => {
    throw new Error("a secret");
  };
  const routes = [
    { path: "/throws", handle: secret },
    { path: "/public", public: true, handle: secret },
  ];
  await using routed = await openTestDoor({ door: { routes } });
  await using gated = await openTestDoor({ door: { gate: { admit: secret } } });
  await using called = await openTestDoor({ door: { callsOf: secret } });
  const answers = [
    await ask(routed, "GET /throws"),
    await ask(routed, "GET /public"),
    await ask(gated, `POST ${SAY}`, JSON_CALL, '"a"'),
    await ask(called, `POST ${SAY}`, JSON_CALL, '"a"'),
  ];
  for (const answer of answers) {
    expect(answer.status).toBe(500);
    expect(JSON.parse(answer.body)).toMatchObject({
      code: "internal",
      message: "The request could not be handled.",
    });
  }
  expect((await ask(routed, `POST ${SAY}`, JSON_CALL, '"a"')).status).toBe(200);
});

test("limits that are none are refused when the door is made", () => {
  const make = () =>
    createDoor({ gate: openGate, callsOf: () => Object.create(null), limits: { messageBytes: 0 } });
  expect(make).toThrow(new RangeError("limits.messageBytes: wanted a whole number from 1, got 0"));
});
