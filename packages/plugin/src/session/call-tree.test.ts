import { Cancellation, type DeliveredCall } from "@connect-plugin/rpc";
import { expect, test } from "vitest";
import { definePlugin } from "../define/define-plugin.js";
import { requires } from "../define/need.js";
import { provides } from "../define/offer.js";
import { NotesService, TagService } from "../fixtures/gen/notes/v1/notes_pb.js";
import { notes } from "../fixtures/notes.js";
import { testPlugin } from "../testing/test-plugin.js";
import { createCallTree, runOutsideCalls } from "./call-tree.js";

/** As much of a call as the tree looks at. */
function createCall(id: number) {
  const cancellation = new Cancellation();
  const call = {
    id,
    get finished() {
      return cancellation.finished;
    },
  } as DeliveredCall;
  return { call, finish: () => cancellation.finish() };
}

test("the call that is being handled is the parent, across awaits and timers", async () => {
  const tree = createCallTree();
  const { call } = createCall(1);
  expect(tree.parent()).toBeUndefined();
  const seen = await tree.run(call, async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return tree.parent()?.id;
  });
  expect(seen).toBe(1);
  expect(tree.parent()).toBeUndefined();
});

test("a call that is done is nobody's parent", () => {
  const tree = createCallTree();
  const { call, finish } = createCall(1);
  tree.run(call, () => {
    finish();
    expect(tree.parent()).toBeUndefined();
  });
});

test("calls of another session are none of this one's, though both run in one process", () => {
  const [a, b] = [createCallTree(), createCallTree()];
  const outer = createCall(1).call;
  const inner = createCall(2).call;
  a.run(outer, () => {
    expect(b.parent()).toBeUndefined();
    b.run(inner, () => {
      expect(b.parent()?.id).toBe(2);
      expect(a.parent()).toBeUndefined();
    });
    expect(a.parent()?.id).toBe(1);
    runOutsideCalls(() => expect(a.parent()).toBeUndefined());
  });
});

test("calls from what start began belong to no call, even if it was begun while one was handled", async () => {
  const seen: number[] = [];
  const definition = definePlugin({
    name: "notes",
    version: "1.0.0",
    provides: { notes: provides(NotesService, "1.0.0") },
    requires: { tags: requires(TagService, "^1") },
    start({ services, signal }) {
      let work: () => void = () => undefined;
      const worker = (async () => {
        while (!signal.aborted) {
          await new Promise<void>((resolve) => {
            work = resolve;
            signal.addEventListener("abort", () => resolve());
          });
          if (!signal.aborted) await services.tags.suggest({});
        }
      })();
      return {
        services: {
          notes: {
            ...notes,
            async read() {
              work();
              await new Promise((resolve) => setTimeout(resolve, 5));
              return {};
            },
          },
        },
        stop: async () => await worker,
      };
    },
  });
  const suggest = (_: unknown, call: { readonly onBehalfOf: readonly unknown[] }) => {
    seen.push(call.onBehalfOf.length);
    return {};
  };
  const plugin = await testPlugin(definition, { services: { tags: { suggest } } });
  await plugin.client(NotesService).read({});
  await plugin.stop();
  expect(seen).toEqual([0]);
});
