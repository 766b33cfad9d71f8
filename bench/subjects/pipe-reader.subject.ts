// Counts the bytes of standard input.
let bytes = 0;
for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) bytes += chunk.byteLength;
process.stdout.write(String(bytes));
