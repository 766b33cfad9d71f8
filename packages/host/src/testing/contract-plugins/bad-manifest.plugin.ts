import { manifestOf } from "./raw-plugin.js";

export default {
  $connectPlugin: { abi: 1, manifest: { ...manifestOf("bad"), version: "one" }, run: async () => {} },
};
