import { EventEmitter, on } from "node:events";
import { open } from "lmdb";
import { EventType } from "./gen/kv/v1/kv_pb.js";

export interface Change {
  readonly type: EventType;
  readonly key: string;
  readonly value: Uint8Array;
}

export interface Store {
  get(key: string): Uint8Array | undefined;
  put(key: string, value: Uint8Array): Promise<void>;
  /** False if there was nothing under the key. */
  delete(key: string): Promise<boolean>;
  /** An event of no type at once, then every change below the prefix until the signal. */
  watch(prefix: string, signal: AbortSignal): AsyncGenerator<Change>;
  close(): Promise<void>;
}

/** Opens (or makes) the LMDB database in a directory. */
export function openStore(path: string): Store {
  const database = open<Buffer, string>({ path, encoding: "binary" });
  const changes = new EventEmitter<{ change: [Change] }>().setMaxListeners(0);
  return {
    get: (key) => database.get(key),
    async put(key, value) {
      await database.put(key, Buffer.from(value));
      changes.emit("change", { type: EventType.PUT, key, value });
    },
    async delete(key) {
      // In one transaction, so that of two deletes at once only one finds the key.
      const found = await database.transaction(() => {
        const known = database.doesExist(key);
        if (known) database.removeSync(key);
        return known;
      });
      if (found) changes.emit("change", { type: EventType.DELETE, key, value: new Uint8Array() });
      return found;
    },
    async *watch(prefix, signal) {
      const heard = on(changes, "change", { signal });
      yield { type: EventType.UNSPECIFIED, key: "_watch_started", value: new Uint8Array() };
      try {
        for await (const [change] of heard as AsyncIterable<[Change]>) {
          if (change.key.startsWith(prefix)) yield change;
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
    close: () => database.close(),
  };
}
