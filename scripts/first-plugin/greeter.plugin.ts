import { definePlugin, provides } from "@connect-plugin/plugin";
import { GreeterService } from "./gen/greeter_pb.js";

export default definePlugin({
  name: "greeter",
  version: "1.0.0",
  provides: { greeter: provides(GreeterService, "1.0.0") },
  async start() {
    return {
      services: {
        greeter: {
          async greet({ name }) {
            return { greeting: `Hello, ${name}!` };
          },
          async *count({ to }) {
            for (let number = 1; number <= to; number += 1) yield { number };
          },
        },
      },
    };
  },
});
