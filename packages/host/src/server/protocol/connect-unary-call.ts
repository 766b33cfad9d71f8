import { type CallFailure, type Metadata, type Piece, pieceCost } from "@connect-plugin/protocol";
import { isMetadata } from "../field-use.js";
import type { HttpRequest, HttpResponse, ResponseFields } from "../http-exchange.js";
import { statusOfCode } from "./code-names.js";
import { DoorCall, type DoorGround, invalidResponse } from "./door-call.js";
import { toErrorJson } from "./error-json.js";
import { requestTooLarge } from "./request-failures.js";
import { ResponseGatherer, type WholeMessage } from "./response-message.js";
import type { Spelling } from "./spelling.js";

/** What a Connect unary request says of its message before it comes. */
export interface UnaryRequest {
  readonly gzip: boolean;
  /** In bytes, as `content-length` says; undefined if it does not. */
  readonly length: number | undefined;
  /** The message itself, if it came in the query. */
  readonly message: Uint8Array | undefined;
  readonly acceptGzip: boolean;
}

/** Of a request that is only ever answered. */
export const NO_REQUEST: UnaryRequest = {
  gzip: false,
  length: undefined,
  message: undefined,
  acceptGzip: false,
};

/** A unary call in Connect's own protocol: the body is the message, and the HTTP status says how it went. */
export class ConnectUnaryCall extends DoorCall {
  private readonly spelling: Spelling;
  private readonly unary: UnaryRequest;
  private readonly gatherer: ResponseGatherer;
  private size = 0;
  /** Held back until it is known whether it is the last. */
  private kept: Uint8Array | undefined = undefined;
  private complete = false;
  private headerFields: Metadata = [];
  private answered: WholeMessage | undefined = undefined;

  constructor(
    ground: DoorGround,
    request: HttpRequest,
    response: HttpResponse,
    spelling: Spelling,
    unary: UnaryRequest,
  ) {
    super(ground, request, response);
    this.spelling = spelling;
    this.unary = unary;
    const { messageBytes } = ground.limits;
    this.gatherer = new ResponseGatherer(spelling.codec, ground.codec, messageBytes, unary.acceptGzip);
  }

  // ---- the request

  protected get inside(): boolean {
    return !this.complete;
  }

  protected override get bodyIsIn(): boolean {
    return super.bodyIsIn || (this.complete && this.unary.length !== undefined);
  }

  protected take(chunk: Uint8Array): number {
    this.size += chunk.byteLength;
    const { length } = this.unary;
    const { messageBytes } = this.ground.limits;
    if (this.size > messageBytes) this.stop(requestTooLarge(messageBytes, this.size));
    else if (length !== undefined) this.part(chunk, this.size < length);
    else {
      const { kept } = this;
      this.kept = chunk;
      if (kept !== undefined) this.part(kept, true);
    }
    return chunk.byteLength;
  }

  protected taken(): void {
    if (!this.complete) this.part(this.unary.message ?? this.kept ?? NOTHING, false);
  }

  private part(bytes: Uint8Array, more: boolean): void {
    if (!more) this.complete = true;
    this.give({ form: "bytes", bytes, more, gzip: this.unary.gzip }, !more);
  }

  // ---- the response

  protected head(header: Metadata): void {
    this.headerFields = header;
  }

  message(piece: Piece): void {
    if (this.isOver) return;
    if (this.answered !== undefined) {
      this.stop(invalidResponse("there are several messages where there must be one"));
      return;
    }
    const gathered = piece.form === "message" ? this.gatherer.typed(piece) : this.gatherer.bytes(piece);
    if (gathered.kind === "failure") this.stop(gathered.failure);
    else if (gathered.kind === "part") this.paid(pieceCost(piece));
    else {
      const { message } = gathered;
      this.answered = message.owned ? message : { ...message, bytes: Buffer.from(message.bytes) };
    }
  }

  protected respond(trailer: Metadata, failure: CallFailure | undefined, status?: number): void {
    const { answered, response } = this;
    if (failure !== undefined) {
      this.respondError(trailer, failure, status);
      return;
    }
    if (answered === undefined) {
      this.respondError([], invalidResponse("it ended well, but without a message"), undefined);
      return;
    }
    const fields: ResponseFields = {
      "content-type": this.spelling.contentType,
      "content-length": answered.bytes.byteLength,
      ...this.commonFields,
    };
    if (answered.gzip) fields["content-encoding"] = "gzip";
    if (this.headerFields.length > 0) addFields(fields, this.headerFields, "");
    if (trailer.length > 0) addFields(fields, trailer, "trailer-");
    response.writeHead(200, fields);
    response.end(answered.bytes);
  }

  protected respondBare(failure: CallFailure): void {
    this.headerFields = [];
    this.respondError([], failure, undefined);
  }

  private respondError(trailer: Metadata, failure: CallFailure, status: number | undefined): void {
    const { response } = this;
    const body = Buffer.from(JSON.stringify(toErrorJson(failure)));
    const fields: ResponseFields = {
      "content-type": "application/json",
      "content-length": body.byteLength,
      ...this.commonFields,
    };
    addFields(fields, this.headerFields, "");
    addFields(fields, failure.metadata, "");
    addFields(fields, trailer, "trailer-");
    response.writeHead(status ?? statusOfCode(failure.code), fields);
    response.end(body);
  }
}

const NOTHING = new Uint8Array();

/** Adds metadata to the fields of a response; what came under one name stays apart. */
export function addFields(fields: ResponseFields, metadata: Metadata, prefix: string): void {
  for (const [name, value] of metadata) {
    if (!isMetadata(name)) continue;
    const key = prefix + name;
    const before = fields[key];
    if (before === undefined) fields[key] = value;
    else if (Array.isArray(before)) before.push(value);
    else fields[key] = [String(before), value];
  }
}
