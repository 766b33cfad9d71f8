import { describe, expect, test } from "vitest";
import { createLogLine, type LogLine, printLogLine } from "./log-line.js";
import { createPluginLogger } from "./plugin-logger.js";

/** A host that takes lines when it is told to. */
function setUp() {
  const sent: LogLine[] = [];
  const spilt: LogLine[] = [];
  const waiting: { accept(): void; refuse(): void }[] = [];
  const logger = createPluginLogger({
    send: (line) => {
      sent.push(line);
      return new Promise((resolve, reject) => {
        waiting.push({ accept: () => resolve(undefined), refuse: () => reject(new Error("gone")) });
      });
    },
    spill: (line) => spilt.push(line),
  });
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  const acceptAll = async () => {
    while (waiting.length > 0) {
      for (const { accept } of waiting.splice(0)) accept();
      await turn();
    }
  };
  return { logger, sent, spilt, waiting, turn, acceptAll };
}

test("lines are sent in order, after the plugin's code has had its turn, and not all at once", async () => {
  const { logger, sent, turn, acceptAll } = setUp();
  for (let n = 0; n < 100; n++) logger.voice.info(`line ${n}`);
  expect(sent).toEqual([]);
  await turn();
  expect(sent).toHaveLength(32);
  await acceptAll();
  expect(sent.map(({ message }) => message)).toEqual(Array.from({ length: 100 }, (_, n) => `line ${n}`));
});

test("what does not fit is dropped, and the log says how much", async () => {
  const { logger, sent, turn, acceptAll } = setUp();
  for (let n = 0; n < 10_005; n++) logger.voice.debug("flood");
  await turn();
  await acceptAll();
  expect(sent).toHaveLength(10_001);
  expect(sent.at(-1)).toEqual({
    level: "warn",
    message: "log lines were dropped: they came faster than the host took them",
    fields: { dropped: "5" },
  });
  logger.voice.info("on we go");
  await turn();
  await acceptAll();
  expect(sent.at(-1)?.message).toBe("on we go");
});

test("memory is bounded by bytes too", async () => {
  const { logger, sent, turn, acceptAll } = setUp();
  for (let n = 0; n < 1_000; n++) logger.voice.info("x".repeat(16_000));
  await turn();
  await acceptAll();
  const dropped = Number(sent.at(-1)?.fields.dropped);
  expect(dropped).toBeGreaterThan(700);
  expect(sent).toHaveLength(1_000 - dropped + 1);
});

test("a line that the host does not take is spilt, and so is all that comes after the end", async () => {
  const { logger, spilt, waiting, turn } = setUp();
  logger.voice.error("lost");
  await turn();
  waiting[0]?.refuse();
  await turn();
  expect(spilt.map(({ message }) => message)).toEqual(["lost"]);
  await logger.close(1_000);
  logger.voice.warn("late");
  expect(spilt.map(({ message }) => message)).toEqual(["lost", "late"]);
});

test("closing waits for what is under way, but not for ever", async () => {
  const { logger, spilt, waiting, turn, acceptAll } = setUp();
  for (let n = 0; n < 40; n++) logger.voice.info(`line ${n}`);
  await turn();
  await logger.close(20);
  expect(spilt.map(({ message }) => message)).toEqual([
    "line 32",
    "line 33",
    "line 34",
    "line 35",
    "line 36",
    "line 37",
    "line 38",
    "line 39",
  ]);
  expect(waiting).toHaveLength(32);

  const other = setUp();
  other.logger.voice.info("last words");
  const closed = other.logger.close(10_000);
  await other.acceptAll();
  await closed;
  expect(other.spilt).toEqual([]);
  await acceptAll();
});

describe("a line", () => {
  test("holds strings as they are and other values as JSON", () => {
    expect(
      createLogLine("info", "hello", { text: "a b", n: 3, list: [1n], none: undefined, nil: null, big: 5n }),
    ).toEqual({
      level: "info",
      message: "hello",
      fields: { text: "a b", n: "3", list: '["1"]', none: "undefined", nil: "null", big: "5" },
    });
  });
  test("shows errors with their stacks", () => {
    const { fields } = createLogLine("error", "failed", { error: new RangeError("too far") });
    expect(fields.error).toMatch(/^RangeError: too far\n {4}at /);
  });
  test("can be made of anything", () => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    const hostile = {
      get boom() {
        throw new Error("no");
      },
      circle,
    };
    expect(
      createLogLine(
        "info",
        {
          toString: () => {
            throw new Error("no");
          },
        },
        hostile,
      ),
    ).toEqual({
      level: "info",
      message: "(a message that cannot be shown)",
      fields: { boom: "(a value that cannot be shown)", circle: "(a value that cannot be shown)" },
    });
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    expect(createLogLine("info", "m", revoked.proxy).fields).toEqual({});
    expect(createLogLine("info", undefined, "fields" as never)).toEqual({
      level: "info",
      message: "undefined",
      fields: {},
    });
  });
  test("is bounded", () => {
    const fields = Object.fromEntries(
      Array.from({ length: 200 }, (_, n) => [`${n}`.padEnd(500, "k"), "v".repeat(10_000)]),
    );
    const line = createLogLine("info", "m".repeat(100_000), fields);
    expect(line.message).toHaveLength(16_385);
    expect(Object.keys(line.fields)).toHaveLength(64);
    expect(
      Object.entries(line.fields).every(([name, value]) => name.length <= 129 && value.length <= 4_097),
    ).toBe(true);
  });
  test("can be printed where no host takes it", () => {
    expect(printLogLine(createLogLine("warn", "slow", { ms: 3 }))).toBe('warn slow {"ms":"3"}\n');
    expect(printLogLine(createLogLine("info", "hello"))).toBe("info hello\n");
  });
});
