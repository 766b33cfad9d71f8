import type { Cursor, ProviderRecord, RegistryEntry } from "./record.js";

/** An entry and where it stands. */
export interface LoggedEntry {
  /** The view holds this entry, and all before it, from here on. */
  readonly cursor: Cursor;
  readonly entry: RegistryEntry;
}

/** What a cursor has missed. */
export type EntriesSince<T> =
  | { readonly kind: "entries"; readonly entries: readonly T[] }
  /** The cursor is of another log, or of entries that are kept no more. */
  | { readonly kind: "too-old" };

interface KeptEntry extends LoggedEntry {
  /** Records that came, went or changed. Kept beside the entry, which may name only an instance. */
  readonly affected: readonly ProviderRecord[];
}

/** The newest entries, in order. Older ones go: who needs them takes a snapshot. */
export interface RegistryLog {
  readonly cursor: Cursor;
  append(entry: RegistryEntry, affected: readonly ProviderRecord[]): Cursor;
  since(cursor: Cursor): EntriesSince<KeptEntry>;
}

export function createRegistryLog(epoch: string, ringSize: number): RegistryLog {
  /** The entry of revision r is in slot r modulo the size of the ring. */
  const ring: KeptEntry[] = [];
  let revision = 0;
  let cursor: Cursor = { epoch, revision };

  return {
    get cursor() {
      return cursor;
    },
    append(entry, affected) {
      revision++;
      cursor = Object.freeze({ epoch, revision });
      ring[revision % ringSize] = { cursor, entry, affected };
      return cursor;
    },
    since(from) {
      const isOurs = from.epoch === epoch && Number.isSafeInteger(from.revision);
      const oldest = Math.max(0, revision - ringSize);
      if (!isOurs || from.revision < oldest || from.revision > revision) return { kind: "too-old" };
      const entries: KeptEntry[] = [];
      for (let next = from.revision + 1; next <= revision; next++) {
        const kept = ring[next % ringSize];
        if (kept !== undefined) entries.push(kept);
      }
      return { kind: "entries", entries };
    },
  };
}
