import type { Socket } from "node:net";

/** What every connection of HTTP/2 begins with. */
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
/** `PRI` tells it from every method of HTTP/1.1 (`PUT`, `POST`, `PATCH`); the rest is for the server to judge. */
const TELLING = 3;

/**
 * Reads the first bytes of a cleartext connection until they tell HTTP/2 from HTTP/1.1, puts them back and hands the
 * socket on. A connection that does not come so far in its time is cut.
 */
export function switchProtocol(
  socket: Socket,
  timeoutMs: number,
  handOn: (version: 1 | 2, socket: Socket) => void,
): void {
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  timer.unref();
  let read: Buffer = Buffer.alloc(0);

  function onReadable(): void {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return;
    read = read.byteLength === 0 ? chunk : Buffer.concat([read, chunk]);
    const known = Math.min(read.byteLength, TELLING);
    const isPreface = read.subarray(0, known).equals(PREFACE.subarray(0, known));
    if (isPreface && known < TELLING) return;
    done();
    socket.unshift(read);
    handOn(isPreface ? 2 : 1, socket);
  }

  function onGone(): void {
    done();
    socket.destroy();
  }

  function done(): void {
    clearTimeout(timer);
    socket.off("readable", onReadable);
    socket.off("end", onGone);
    socket.off("close", done);
    socket.off("error", onGone);
  }

  socket.on("readable", onReadable);
  socket.on("end", onGone);
  socket.on("close", done);
  socket.on("error", onGone);
}
