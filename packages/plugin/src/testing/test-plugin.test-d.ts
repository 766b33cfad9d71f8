// What must compile, and what must not. Checked by `tsc -p tsconfig.test.json`; nothing here runs.
import { z } from "zod";
import { definePlugin } from "../define/define-plugin.js";
import { capability, each, optional, requires } from "../define/need.js";
import { TagService } from "../fixtures/gen/notes/v1/notes_pb.js";
import { testPlugin } from "./test-plugin.js";

const simple = definePlugin({ name: "a", version: "1.0.0", start: () => ({}) });
const needy = definePlugin({
  name: "b",
  version: "1.0.0",
  requires: {
    must: requires(TagService, "^1"),
    perhaps: optional(TagService, "^1"),
    all: each(TagService, "^1"),
    lent: capability(TagService, "^1", { methods: ["suggest"] }),
  },
  config: z.object({ path: z.string() }),
  start: () => ({}),
});
const config = { path: "./data" };
const capabilities = { lent: { suggest: () => ({ tags: [] }) } };
const services = { must: { suggest: () => ({ tags: [] }) } };

void testPlugin(simple);
void testPlugin(simple, { name: "x", link: "lane" });
// @ts-expect-error a plugin without config takes none
void testPlugin(simple, { config });
// @ts-expect-error it needs more than nothing
void testPlugin(needy);
// @ts-expect-error the config is missing
void testPlugin(needy, { services, capabilities });
// @ts-expect-error the services are missing
void testPlugin(needy, { config, capabilities });
// @ts-expect-error the capabilities are missing
void testPlugin(needy, { config, services });
// @ts-expect-error a path is a string
void testPlugin(needy, { config: { path: 1 }, services, capabilities });
// @ts-expect-error tags are strings
void testPlugin(needy, { config, services: { must: { suggest: () => ({ tags: [1] }) } }, capabilities });
// @ts-expect-error there is no such need
void testPlugin(needy, { config, services: { ...services, more: {} }, capabilities });
// @ts-expect-error each wants stand-ins by plugin name
void testPlugin(needy, { config, services: { ...services, all: { suggest: () => ({}) } }, capabilities });

const plugin = await testPlugin(needy, {
  config,
  services: {
    ...services,
    perhaps: {},
    all: { alpha: { suggest: ({ text }, call) => ({ tags: [text, call.caller.name] }) } },
  },
  capabilities,
});
plugin.provide("perhaps", undefined);
plugin.provide("must", { forget: () => ({}) });
plugin.provide("all", { beta: {} });
// @ts-expect-error a capability does not come and go
plugin.provide("lent", {});
// @ts-expect-error each wants stand-ins by plugin name
plugin.provide("all", { suggest: () => ({}) });
const tags: string[] = (await plugin.client(TagService).suggest({ text: "x" })).tags;
void tags;
