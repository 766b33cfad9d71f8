// For whoever tests a plugin.
export type { ChangingKey, Fake, FakeCapabilities, FakeFor, FakePlugins, FakeServices } from "./fakes.js";
export type { TestCaller } from "./test-calls.js";
export { type TestPluginOptions, testPlugin } from "./test-plugin.js";
export type { TestClientOptions, TestedPlugin, TestHealth, TestLogLine } from "./tested-plugin.js";
