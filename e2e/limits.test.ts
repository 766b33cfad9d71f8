// What calls may take at most, with real workers and processes.
import { expect, it } from "vitest";
import { ProbeService } from "./gen/probe/v1/probe_pb.js";
import { failureOf } from "./support/failure-of.js";
import { launchAt } from "./support/launch-at.js";
import { makeHost } from "./support/make-host.js";
import { bePatient } from "./support/patience.js";

bePatient();

const MEBIBYTE = 1_048_576;

it.each(["worker", "child-process"] as const)(
  "a message of 64 MiB passes once it may, at %s",
  async (distance) => {
    const { host } = makeHost({
      plugins: { probe: { launch: launchAt(distance, "probe.plugin") } },
      limits: { messageBytes: 80 * MEBIBYTE },
    });
    await host.start();
    const probe = host.client(ProbeService);
    const payload = new Uint8Array(64 * MEBIBYTE).fill(7);
    const { payload: echoed } = await probe.echo({ payload });
    expect(Buffer.compare(echoed, payload)).toBe(0);

    const refused = await failureOf(probe.echo({ payload: new Uint8Array(81 * MEBIBYTE) }));
    expect(refused).toMatchObject({ reason: "MESSAGE_TOO_LARGE", code: "ResourceExhausted" });
    // Nothing else has suffered.
    await expect(probe.echo({ text: "still here" })).resolves.toMatchObject({ text: "still here" });
  },
);

it.each(["worker", "child-process", "in-process"] as const)(
  "5,000 calls at once all get an answer, at %s",
  async (distance) => {
    const { host } = makeHost({ plugins: { probe: { launch: launchAt(distance, "probe.plugin") } } });
    await host.start();
    const probe = host.client(ProbeService);
    const answers = await Promise.all(
      Array.from({ length: 5_000 }, (_, index) => probe.echo({ text: String(index) })),
    );
    expect(answers.every(({ text }, index) => text === String(index))).toBe(true);
  },
);
