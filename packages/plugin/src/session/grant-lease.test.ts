import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { CapabilityGrantSchema } from "@connect-plugin/protocol";
import { expect, test } from "vitest";
import { createGrantLease } from "./grant-lease.js";

/** A lease whose broker answers when it is told to, on a clock of its own. */
function setUp(lifeMs: number | null = 1_000) {
  const clock = { now: 0 };
  const requests: { answer(): void; refuse(error: Error): void }[] = [];
  let count = 0;
  const lease = createGrantLease(
    () =>
      new Promise((resolve, reject) => {
        const grantId = `grant-${++count}`;
        const life = lifeMs === null ? {} : { expiresIn: durationFromMs(lifeMs) };
        requests.push({
          answer: () => resolve(create(CapabilityGrantSchema, { grantId, ...life })),
          refuse: reject,
        });
      }),
    () => clock.now,
  );
  return { clock, requests, lease };
}

test("the first use asks for a grant, and all that come meanwhile share it", async () => {
  const { lease, requests } = setUp();
  const uses = [lease.current(), lease.current()];
  expect(requests).toHaveLength(1);
  requests[0]?.answer();
  expect(await Promise.all(uses)).toEqual(["grant-1", "grant-1"]);
  expect(lease.current()).toBe("grant-1");
});

test("a use towards the end asks for the next one without waiting for it", async () => {
  const { clock, lease, requests } = setUp();
  const first = lease.current();
  requests[0]?.answer();
  await first;
  clock.now = 699;
  expect(lease.current()).toBe("grant-1");
  expect(requests).toHaveLength(1);
  clock.now = 701;
  expect(lease.current()).toBe("grant-1");
  expect(lease.current()).toBe("grant-1");
  expect(requests).toHaveLength(2);
  requests[1]?.answer();
  await Promise.resolve();
  await Promise.resolve();
  expect(lease.current()).toBe("grant-2");
});

test("a renewal that fails costs nothing as long as the grant is good, and is tried again", async () => {
  const { clock, lease, requests } = setUp(10_000);
  const first = lease.current();
  requests[0]?.answer();
  await first;
  clock.now = 7_500;
  expect(lease.current()).toBe("grant-1");
  requests[1]?.refuse(new Error("not now"));
  await Promise.resolve();
  expect(lease.current()).toBe("grant-1");
  expect(requests).toHaveLength(2);
  clock.now = 8_600;
  expect(lease.current()).toBe("grant-1");
  expect(requests).toHaveLength(3);
});

test("after the end, a use waits for a new one", async () => {
  const { clock, lease, requests } = setUp();
  const first = lease.current();
  requests[0]?.answer();
  await first;
  clock.now = 1_000;
  const second = lease.current();
  expect(second).toBeInstanceOf(Promise);
  requests[1]?.answer();
  expect(await second).toBe("grant-2");
});

test("a grant without an end is kept", async () => {
  const { clock, lease, requests } = setUp(null);
  const first = lease.current();
  requests[0]?.answer();
  await first;
  clock.now = 1e12;
  expect(lease.current()).toBe("grant-1");
});

test("a refusal is told to who waits, and the next use asks again", async () => {
  const { lease, requests } = setUp();
  const first = lease.current();
  requests[0]?.refuse(new Error("not lent"));
  await expect(first).rejects.toThrow("not lent");
  const second = lease.current();
  requests[1]?.answer();
  expect(await second).toBe("grant-2");
});

test("only the grant that is held can be discarded", async () => {
  const { lease, requests } = setUp();
  const first = lease.current();
  requests[0]?.answer();
  await first;
  lease.discard("another");
  expect(lease.current()).toBe("grant-1");
  lease.discard("grant-1");
  expect(lease.current()).toBeInstanceOf(Promise);
});
