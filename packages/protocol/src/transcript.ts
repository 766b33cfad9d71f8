import type { Duration } from "@bufbuild/protobuf/wkt";
import type {
  Deprecation,
  HandshakeRequest,
  HandshakeResponse,
  OfferedService,
  PluginInfo,
  RequiredService,
} from "./gen/connectplugin/v1/handshake_pb.js";
import { TranscriptWriter } from "./transcript-writer.js";

// What a bound handshake is bound to: every field of the request and, for the server, of the response, except the two
// MACs themselves. Both sides derive the same bytes from what they sent and what they received; who holds the secret
// can MAC them, and whoever changed a field on the way cannot.
//
// The order is fixed for ever: a field that is added to the messages later is not covered until there are transcripts
// with labels of their own, which peers agree on as a feature. docs/reference/wire.md describes the bytes.

const CLIENT_LABEL = "connect-plugin handshake v1 client";
const SERVER_LABEL = "connect-plugin handshake v1 server";

/** The bytes under `transcript_mac`. */
export function clientTranscript(request: HandshakeRequest): Uint8Array {
  const writer = new TranscriptWriter().text(CLIENT_LABEL);
  writeRequest(writer, request);
  return writer.finish();
}

/** The bytes under `challenge_response`. They hold the runtime token: as secret as that. */
export function serverTranscript(request: HandshakeRequest, response: HandshakeResponse): Uint8Array {
  const writer = new TranscriptWriter().text(SERVER_LABEL);
  writeRequest(writer, request);
  writeResponse(writer, response);
  return writer.finish();
}

function writeRequest(writer: TranscriptWriter, request: HandshakeRequest): void {
  writer
    .int32(request.coreProtocolVersion)
    .int32(request.appProtocolVersion)
    .text(request.magicCookieKey)
    .text(request.magicCookieValue)
    .texts(request.requestedPlugins)
    .map(request.clientMetadata)
    .text(request.selfId)
    .text(request.selfVersion)
    .bytes(request.clientNonce)
    .text(request.instanceId)
    .int32s(request.supportedCoreVersions)
    .int32s(request.supportedAppVersions)
    .texts(request.features)
    .text(request.credentialId)
    .list(request.provides, (offered) => writeOffered(writer, offered))
    .list(request.requires, (required) => writeRequired(writer, required))
    .text(request.sdkName)
    .text(request.sdkVersion)
    .int32(request.instances);
}

function writeResponse(writer: TranscriptWriter, response: HandshakeResponse): void {
  writer
    .int32(response.coreProtocolVersion)
    .int32(response.appProtocolVersion)
    .list(response.plugins, (plugin) => writePlugin(writer, plugin))
    .map(response.serverMetadata)
    .list(response.hostCapabilities, ({ type, version, endpoint }) =>
      writer.text(type).text(version).text(endpoint),
    )
    .text(response.runtimeId)
    .text(response.runtimeToken)
    .bytes(response.serverNonce)
    .texts(response.features)
    .text(response.hostId);
  writeDuration(writer, response.tokenExpiresIn);
  writer
    .int32s(response.supportedCoreVersions)
    .int32s(response.supportedAppVersions)
    .list(response.deprecations, (deprecation) => writeDeprecation(writer, deprecation));
}

function writeOffered(writer: TranscriptWriter, offered: OfferedService): void {
  writer
    .text(offered.key)
    .text(offered.service)
    .text(offered.version)
    .list(offered.methods, ({ name, kind, idempotency }) => writer.text(name).int32(kind).int32(idempotency));
}

function writeRequired(writer: TranscriptWriter, required: RequiredService): void {
  writer
    .text(required.key)
    .text(required.service)
    .text(required.range)
    .int32(required.arity)
    .texts(required.methods);
}

function writePlugin(writer: TranscriptWriter, plugin: PluginInfo): void {
  writer
    .text(plugin.name)
    .text(plugin.version)
    .text(plugin.servicePath)
    .list(plugin.provides, ({ type, version, path }) => writer.text(type).text(version).text(path))
    .list(plugin.requires, (dependency) =>
      writer
        .text(dependency.type)
        .text(dependency.minVersion)
        .bool(dependency.requiredForStartup)
        .bool(dependency.watchForChanges),
    );
}

function writeDeprecation(writer: TranscriptWriter, deprecation: Deprecation): void {
  writer.text(deprecation.what).text(deprecation.sunsetDate).text(deprecation.advice);
}

function writeDuration(writer: TranscriptWriter, duration: Duration | undefined): void {
  writer.bool(duration !== undefined);
  if (duration !== undefined) writer.int64(duration.seconds).int32(duration.nanos);
}
