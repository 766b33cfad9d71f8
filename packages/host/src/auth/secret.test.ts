import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { newCredentialId, newSecret, Secret } from "./secret.js";

const rooms = fileURLToPath(new URL("..", import.meta.url));

describe("Secret", () => {
  test("recognizes the secret of which it keeps a digest, and nothing else", () => {
    const text = newSecret();
    const secret = Secret.digestOf(text);
    expect(secret.matches(text)).toBe(true);
    expect(secret.matches(newSecret())).toBe(false);
    expect(secret.matches("")).toBe(false);
    expect(secret.matches(text.slice(0, -1))).toBe(false);
  });

  test("recognizes MACs that were made with its key", () => {
    const secret = Secret.key(new Uint8Array(32).fill(7));
    const message = new TextEncoder().encode("hello");
    const mac = secret.mac(message);
    expect(secret.verifies(message, mac)).toBe(true);
    expect(secret.verifies(new Uint8Array([...message, 0]), mac)).toBe(false);
    expect(secret.verifies(message, mac.slice(1))).toBe(false);
    expect(secret.verifies(message, mac.with(0, (mac[0] ?? 0) ^ 1))).toBe(false);
    expect(secret.verifies(message, new Uint8Array())).toBe(false);
  });

  test("shows nothing of itself", () => {
    const text = newSecret();
    const secret = Secret.digestOf(text);
    expect(`${secret}`).toBe("[secret]");
    expect(JSON.stringify({ secret })).toBe('{"secret":"[secret]"}');
    expect(inspect({ secret }, { depth: 9, showHidden: true })).toBe("{ secret: [secret] }");
  });

  test("takes no short keys and no generator that gives too little", () => {
    expect(() => Secret.key(new Uint8Array(31))).toThrow(
      new RangeError("key: wanted 32 bytes or more, got 31"),
    );
    expect(() => newSecret(() => new Uint8Array(16))).toThrow(
      new RangeError("the random generator gave 16 bytes where 32 were wanted"),
    );
    expect(() =>
      newSecret(() => {
        throw new Error("no entropy");
      }),
    ).toThrow("no entropy");
  });

  test("has 256 bits", () => {
    expect(Buffer.from(newSecret(), "base64url")).toHaveLength(32);
    expect(Buffer.from(newCredentialId(), "base64url")).toHaveLength(16);
  });

  test("f-4-3: nothing else in the host compares secrets", () => {
    const files = readdirSync(rooms, { recursive: true, encoding: "utf8" }).filter(
      (name) => name.endsWith(".ts") && !name.endsWith(".test.ts"),
    );
    const comparing = files.filter((name) =>
      readFileSync(`${rooms}/${name}`, "utf8").includes("timingSafeEqual"),
    );
    expect(comparing).toEqual(["auth/secret.ts"]);
  });
});
