import type { Metadata } from "@connect-plugin/protocol";
import { KNOWN_FIELDS, type KnownField, slotOf, useOfField } from "./field-use.js";
import type { RequestHead } from "./gate.js";
import type { HttpRequest } from "./http-exchange.js";

/**
 * The head of a request, read in one pass over the fields as they came: Node's own `headers` would join or drop what
 * came twice, and build an object of everything.
 */
export class HttpRequestHead implements RequestHead {
  readonly httpVersion: 1 | 2;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** What goes on to the provider. */
  readonly metadata: Metadata;
  /** Names and values of all fields, in bytes. */
  readonly size: number;
  private readonly request: HttpRequest;
  private readonly known: (string | undefined)[] = new Array(KNOWN_FIELDS).fill(undefined);

  constructor(request: HttpRequest) {
    this.request = request;
    this.httpVersion = request.httpVersionMajor >= 2 ? 2 : 1;
    this.method = request.method ?? "";
    const url = request.url ?? "";
    const mark = url.indexOf("?");
    this.path = mark < 0 ? url : url.slice(0, mark);
    this.query = mark < 0 ? "" : url.slice(mark + 1);
    const raw = request.rawHeaders;
    const metadata: (readonly [string, string])[] = [];
    let size = 0;
    for (let at = 0; at + 1 < raw.length; at += 2) {
      const name = raw[at] as string;
      const value = raw[at + 1] as string;
      size += name.length + value.length;
      const use = useOfField(name);
      if (use.kind === "metadata") metadata.push([use.name, value]);
      else if (use.kind === "known") {
        const before = this.known[use.slot];
        this.known[use.slot] = before === undefined ? value : `${before}, ${value}`;
      } else if (use.kind === "binary") addBinary(metadata, use.name, value);
    }
    this.metadata = metadata;
    this.size = size + url.length;
  }

  get remoteAddress(): string | undefined {
    return this.request.socket.remoteAddress;
  }

  get encrypted(): boolean {
    return "encrypted" in this.request.socket && this.request.socket.encrypted === true;
  }

  /** A field that the door's protocols read; several values joined. */
  protocolField(name: KnownField): string | undefined {
    return this.known[slotOf(name)];
  }

  /** Whether a body may follow. */
  get announcesBody(): boolean {
    if (this.httpVersion === 2) return !("stream" in this.request) || !this.request.stream.endAfterHeaders;
    if (this.protocolField("transfer-encoding") !== undefined) return true;
    const length = this.protocolField("content-length");
    return length !== undefined && length !== "0";
  }

  field(name: string): string | undefined {
    return this.fields(name)[0];
  }

  fields(name: string): readonly string[] {
    const raw = this.request.rawHeaders;
    const found: string[] = [];
    for (let at = 0; at + 1 < raw.length; at += 2) {
      const spelled = raw[at] as string;
      if (spelled.length === name.length && spelled.toLowerCase() === name) found.push(raw[at + 1] as string);
    }
    return found;
  }
}

/** On the wire, values of binary fields may be padded and joined by commas; behind the door they are neither. */
function addBinary(metadata: (readonly [string, string])[], name: string, value: string): void {
  for (const part of value.split(",")) metadata.push([name, part.trim().replace(/=+$/, "")]);
}
