import { childProcess, createHost, worker } from "@connect-plugin/host";
import { GreeterService } from "./gen/greeter_pb.js";

const entry = new URL("./greeter.plugin.js", import.meta.url);

await using host = createHost({
  plugins: {
    far: { launch: childProcess({ entry }) },
    near: { launch: worker({ entry }), essential: false },
  },
  prefer: { [GreeterService.typeName]: "far" },
});
await host.start();

const greeter = host.client(GreeterService);
const { greeting } = await greeter.greet({ name: "Ada" });
console.log(greeting);

for await (const { number } of greeter.count({ to: 3 })) console.log(number);

for (const { plugin, client } of host.each(GreeterService)) {
  console.log(plugin, (await client.greet({ name: plugin })).greeting);
}

const restarted = host.restart("far");
console.log((await greeter.greet({ name: "you, who waited" })).greeting);
await restarted;

for (const { name, distance, state, restarts } of host.status().plugins) {
  console.log(`${name}: ${state}, ${distance}, restarts: ${restarts}`);
}
