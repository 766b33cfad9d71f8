import { manifestOf } from "./raw-plugin.js";

export default {
  $connectPlugin: {
    abi: 1,
    manifest: manifestOf("rejects"),
    run: async () => {
      throw new Error("the handshake was refused");
    },
  },
};
