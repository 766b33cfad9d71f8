// Writes so many bytes to standard output, in chunks of 64 KiB.
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

const total = Number(process.argv[2]);
const chunk = new Uint8Array(65_536);

function* chunks() {
  for (let left = total; left > 0; left -= chunk.byteLength)
    yield left < chunk.byteLength ? chunk.subarray(0, left) : chunk;
}

await pipeline(Readable.from(chunks(), { objectMode: true }), process.stdout);
