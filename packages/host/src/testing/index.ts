export {
  createFakePlugin,
  type FakeContext,
  type FakeNeed,
  type FakeOffer,
  type FakePluginOptions,
} from "./fake-plugin.js";
// For who writes a launcher.
export {
  type ContractCase,
  type LauncherAbility,
  type LauncherUnderTest,
  launcherContract,
} from "./launcher-contract.js";
export { createTestHost, type TestHost, type TestHostOptions } from "./test-host.js";
