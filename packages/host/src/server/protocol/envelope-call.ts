import {
  type BytesPiece,
  type CallFailure,
  type Metadata,
  type Piece,
  pieceCost,
} from "@connect-plugin/protocol";
import type { HttpRequest, HttpResponse, ResponseFields } from "../http-exchange.js";
import { Base64Reader } from "./base64-reader.js";
import { addFields } from "./connect-unary-call.js";
import { DoorCall, type DoorGround, invalidResponse, unsendable } from "./door-call.js";
import { connectEndJson, envelope, grpcWebTrailer } from "./envelope.js";
import { EnvelopeReader, type EnvelopeVisitor } from "./envelope-reader.js";
import { toGrpcTrailer } from "./grpc-status.js";
import { invalidRequest } from "./request-failures.js";
import { ResponseGatherer } from "./response-message.js";
import type { Spelling } from "./spelling.js";

const COMPRESSED = 1;
const CONNECT_END = 2;
const GRPC_WEB_TRAILER = 0x80;

/** What a request with envelopes says before its first message. */
export interface EnvelopeRequest {
  /** Whether messages may be compressed with gzip. */
  readonly gzip: boolean;
  readonly acceptGzip: boolean;
}

/** A call of any kind in a protocol with envelopes: Connect streaming, gRPC and gRPC-Web. */
export class EnvelopeCall extends DoorCall implements EnvelopeVisitor {
  private readonly spelling: Spelling;
  private readonly acceptGzip: boolean;
  private readonly reader: EnvelopeReader;
  private readonly base64: Base64Reader | undefined;
  private readonly gatherer: ResponseGatherer;
  private begun = false;

  constructor(
    ground: DoorGround,
    request: HttpRequest,
    response: HttpResponse,
    spelling: Spelling,
    said: EnvelopeRequest,
  ) {
    super(ground, request, response);
    const { messageBytes } = ground.limits;
    this.spelling = spelling;
    this.acceptGzip = said.acceptGzip;
    this.reader = new EnvelopeReader(this, messageBytes, said.gzip);
    this.base64 = spelling.text ? new Base64Reader() : undefined;
    this.gatherer = new ResponseGatherer(spelling.codec, ground.codec, messageBytes, said.acceptGzip);
  }

  // ---- the request

  protected get inside(): boolean {
    return this.reader.inside || this.base64?.inside === true;
  }

  protected override decode(chunk: Uint8Array): Uint8Array | undefined {
    if (this.base64 === undefined) return chunk;
    const bytes = this.base64.read(chunk);
    if (bytes === undefined) this.broken(invalidRequest("The body of gRPC-Web as text is not base64."));
    return bytes;
  }

  protected take(chunk: Uint8Array, at: number): number {
    return this.reader.read(chunk, at);
  }

  protected taken(): void {
    if (this.inside) this.stop(invalidRequest("The body of the request ended inside a message."));
    else this.requests.end();
  }

  piece(piece: BytesPiece): void {
    this.give(piece, false);
  }

  broken(failure: CallFailure): void {
    this.stop(failure);
  }

  // ---- the response

  protected head(header: Metadata): void {
    if (!this.begun) this.sendHead(header);
  }

  protected respondBare(failure: CallFailure): void {
    this.respond([], failure);
  }

  message(piece: Piece): void {
    if (this.isOver) return;
    const gathered = piece.form === "message" ? this.gatherer.typed(piece) : this.gatherer.bytes(piece);
    if (gathered.kind === "failure") {
      this.stop(gathered.failure);
      return;
    }
    if (gathered.kind === "whole") {
      const { bytes, gzip } = gathered.message;
      if (!this.begun) this.sendHead([]);
      if (this.isOver) return;
      this.write(this.spell(envelope(gzip ? COMPRESSED : 0, bytes)));
    }
    this.paid(pieceCost(piece));
  }

  private sendHead(header: Metadata): void {
    this.begun = true;
    const fields = this.headFields();
    addFields(fields, header, "");
    try {
      this.response.writeHead(200, fields);
    } catch {
      this.begun = false;
      this.stop(unsendable());
      return;
    }
    // What waits for the head before it goes on must get it, though no message may follow for long.
    this.flush();
  }

  private flush(): void {
    const { response } = this;
    if ("flushHeaders" in response && typeof response.flushHeaders === "function") response.flushHeaders();
  }

  private headFields(): ResponseFields {
    const { spelling } = this;
    const fields: ResponseFields = {
      "content-type": spelling.contentType,
      ...this.commonFields,
    };
    if (this.acceptGzip) {
      fields[spelling.protocol === "connect-stream" ? "connect-content-encoding" : "grpc-encoding"] = "gzip";
    }
    return fields;
  }

  protected respond(trailer: Metadata, failure: CallFailure | undefined, status = 200): void {
    const broken = failure === undefined && this.gatherer.inside;
    const told = broken ? invalidResponse("it ended in the middle of a message") : failure;
    switch (this.spelling.protocol) {
      case "grpc":
        this.respondGrpc(toGrpcTrailer(trailer, told), status);
        return;
      case "grpc-web":
        this.finish(envelope(GRPC_WEB_TRAILER, grpcWebTrailer(toGrpcTrailer(trailer, told))));
        return;
      case "connect-stream":
      case "connect-unary":
        this.finish(envelope(CONNECT_END, connectEndJson(trailer, told)));
    }
  }

  private respondGrpc(trailer: Metadata, status: number): void {
    const { response } = this;
    if (this.begun) {
      const fields: ResponseFields = {};
      for (const [name, value] of trailer) append(fields, name, value);
      response.addTrailers(fields);
      response.end();
      return;
    }
    // Not writeHead: only so does Node send head and end in one frame, which is what tells clients that these are
    // the trailers.
    const fields: ResponseFields = { ...this.headFields() };
    for (const [name, value] of trailer) append(fields, name, value);
    // Over HTTP/2 the status is always 200: clients of gRPC would not look at their own status beside another.
    if ("stream" in response) {
      for (const [name, value] of Object.entries(fields)) response.setHeader(name, value);
    } else {
      response.writeHead(status, fields);
    }
    response.end();
  }

  private finish(frame: Uint8Array): void {
    const { response } = this;
    const body = this.spell(frame);
    if (!this.begun) response.writeHead(200, { ...this.headFields(), "content-length": body.byteLength });
    response.end(body);
  }

  private spell(frame: Buffer | Uint8Array): Uint8Array {
    if (!this.spelling.text) return frame;
    return Buffer.from(Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength).toString("base64"));
  }
}

function append(fields: ResponseFields, name: string, value: string): void {
  const before = fields[name];
  if (before === undefined) fields[name] = value;
  else if (Array.isArray(before)) before.push(value);
  else fields[name] = [String(before), value];
}
