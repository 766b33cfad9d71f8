export {
  createFakePlugin,
  type FakeContext,
  type FakeNeed,
  type FakeOffer,
  type FakePluginOptions,
} from "./fake-plugin.js";
export { createTestHost, type TestHost, type TestHostOptions } from "./test-host.js";
