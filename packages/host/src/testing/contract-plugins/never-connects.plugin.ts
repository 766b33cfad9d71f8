import { manifestOf } from "./raw-plugin.js";

export default { $connectPlugin: { abi: 1, manifest: manifestOf("mute"), run: () => new Promise(() => {}) } };
