import { describe, expect, test } from "vitest";
import { endpointPathOf, normalizeEndpointPath, serviceOfEndpointPath } from "./service-alias.js";

describe("the service of an endpoint_path", () => {
  test.each([
    ["/kv.v1.KVService/", "kv.v1.KVService"],
    ["/kv.v1.KVService", "kv.v1.KVService"],
    ["kv.v1.KVService", "kv.v1.KVService"],
    ["/api/kv.v1.KVService/", "kv.v1.KVService"],
  ])("of %s is %s", (path, service) => {
    expect(serviceOfEndpointPath(path)).toEqual({ ok: true, service });
  });

  test.each(["/", "/kv/", "/api/v1/", "/KvService/"])("is not guessed from %s", (path) => {
    expect(serviceOfEndpointPath(path)).toEqual({
      ok: false,
      problem: `endpoint_path "${path}" does not end in a Protobuf service such as /kv.v1.KVService/; set an alias for this service type in the host's configuration`,
    });
  });

  test("is not looked for in a path that is none", () => {
    expect(serviceOfEndpointPath("/a/../kv.v1.KVService/")).toEqual({
      ok: false,
      problem: 'endpoint_path must not have empty, "." or ".." segments, but is "/a/../kv.v1.KVService/"',
    });
  });

  test("and the path of a service belong together", () => {
    expect(endpointPathOf("kv.v1.KVService")).toBe("/kv.v1.KVService/");
    expect(normalizeEndpointPath("kv.v1.KVService")).toBe(endpointPathOf("kv.v1.KVService"));
    expect(normalizeEndpointPath("/")).toBe("/");
  });
});
