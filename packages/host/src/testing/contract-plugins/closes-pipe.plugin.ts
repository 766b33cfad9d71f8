// Closes a descriptor that it has not opened, and goes on.
import { closeSync } from "node:fs";

closeSync(3);
await new Promise(() => {
  setInterval(() => {}, 1_000);
});
