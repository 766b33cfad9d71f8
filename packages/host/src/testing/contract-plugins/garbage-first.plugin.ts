// Writes where it must not while it is imported, and goes on.
import { writeSync } from "node:fs";

writeSync(3, "a debug line on the wrong descriptor\n");
await new Promise(() => {
  setInterval(() => {}, 1_000);
});
