import { create, createFileRegistry } from "@bufbuild/protobuf";
import type { GenService } from "@bufbuild/protobuf/codegenv2";
import {
  FileDescriptorProtoSchema,
  file_google_protobuf_wrappers,
  type StringValueSchema,
} from "@bufbuild/protobuf/wkt";
import type { Implementation } from "@connect-plugin/rpc";

type Text = typeof StringValueSchema;

/** A service with a method of each kind over texts. */
export type TextService = GenService<{
  say: { methodKind: "unary"; input: Text; output: Text };
  watch: { methodKind: "server_streaming"; input: Text; output: Text };
  join: { methodKind: "client_streaming"; input: Text; output: Text };
  chat: { methodKind: "bidi_streaming"; input: Text; output: Text };
}>;

/** Makes such a service, `{package}.TextService`: tests need several, and this package has no schema of its own. */
export function createTextService(packageName: string): TextService {
  const text = ".google.protobuf.StringValue";
  const file = create(FileDescriptorProtoSchema, {
    name: `${packageName}.proto`,
    package: packageName,
    syntax: "proto3",
    dependency: ["google/protobuf/wrappers.proto"],
    service: [
      {
        name: "TextService",
        method: [
          { name: "Say", inputType: text, outputType: text },
          { name: "Watch", inputType: text, outputType: text, serverStreaming: true },
          { name: "Join", inputType: text, outputType: text, clientStreaming: true },
          { name: "Chat", inputType: text, outputType: text, clientStreaming: true, serverStreaming: true },
        ],
      },
    ],
  });
  const registry = createFileRegistry(file, () => file_google_protobuf_wrappers);
  const service = registry.getService(`${packageName}.TextService`);
  if (service === undefined) throw new Error(`${packageName}.TextService is missing in its own schema`);
  return service as TextService;
}

/** A plain implementation; tests replace some of its methods. */
export const answerText: Implementation<TextService> = {
  say: ({ value }) => ({ value: `you said ${value}` }),
  async *watch({ value }) {
    for (const letter of value) yield { value: letter };
  },
  async join(requests) {
    let value = "";
    for await (const request of requests) value += request.value;
    return { value };
  },
  async *chat(requests) {
    for await (const { value } of requests) yield { value: `re: ${value}` };
  },
};
