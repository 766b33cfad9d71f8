import { type DescService, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { GrpcHealth, printable, ServerReflection, ServerReflectionV1Alpha } from "@connect-plugin/protocol";
import type { Implementation, ServedService } from "@connect-plugin/rpc";
import { Code } from "@connectrpc/connect";
import { createDescriptorSet, type DescriptorSet } from "./descriptor-set.js";

/** What is provided, as far as reflection tells of it. */
export interface ReflectionView {
  /** Full names of the services that plugins provide now. */
  services(): readonly string[];
  /** The files of the plugin that would answer calls of the service. Rejects if it does not tell. */
  filesOf(service: string): Promise<readonly Uint8Array[]>;
}

/** The same in both versions. */
type Question =
  | {
      readonly case: "listServices" | "fileByFilename" | "fileContainingSymbol" | "allExtensionNumbersOfType";
      readonly value: string;
    }
  | {
      readonly case: "fileContainingExtension";
      readonly value: { readonly containingType: string; readonly extensionNumber: number };
    }
  | { readonly case: undefined };

/** The services that the host itself answers at the door. */
const OWN: readonly DescService[] = [GrpcHealth, ServerReflection, ServerReflectionV1Alpha];

/** Server reflection, in the version that stays and in the one before it. */
export function createReflectionServices(view: ReflectionView): readonly ServedService[] {
  const own = createDescriptorSet(OWN.map(({ file }) => toBinary(FileDescriptorProtoSchema, file.proto)));
  const sets = new WeakMap<readonly Uint8Array[], DescriptorSet>();

  async function setOf(service: string): Promise<DescriptorSet> {
    const files = await view.filesOf(service);
    const known = sets.get(files) ?? createDescriptorSet(files);
    sets.set(files, known);
    return known;
  }

  async function* answerAll<R extends { readonly host: string; readonly messageRequest: Question }>(
    requests: AsyncIterable<R>,
  ) {
    // Files of several plugins may have the same name: what was found last is what is asked about next.
    const recent: { set: DescriptorSet } = { set: own };
    for await (const request of requests) {
      const messageResponse = await answer(request.messageRequest, recent);
      yield { validHost: request.host, originalRequest: request, messageResponse };
    }
  }

  async function answer(question: Question, recent: { set: DescriptorSet }) {
    switch (question.case) {
      case "listServices": {
        const names = [...new Set([...view.services(), ...OWN.map(({ typeName }) => typeName)])].sort();
        return { case: "listServicesResponse" as const, value: { service: names.map((name) => ({ name })) } };
      }
      case "fileByFilename":
        return foundFile(question.value, await find(recent, (set) => set.file(question.value)));
      case "fileContainingSymbol": {
        const symbol = question.value;
        const service = view.services().find((name) => symbol === name || symbol.startsWith(`${name}.`));
        const file = await find(recent, (set) => fileOf(set, set.declaring(symbol)), service);
        return foundFile(symbol, file);
      }
      case "fileContainingExtension": {
        const { containingType, extensionNumber } = question.value;
        const file = await find(recent, (set) => fileOf(set, set.extending(containingType, extensionNumber)));
        return foundFile(`extension ${extensionNumber} of ${containingType}`, file);
      }
      case "allExtensionNumbersOfType": {
        const baseTypeName = question.value;
        const extensionNumber = await find(recent, (set) => set.extensionsOf(baseTypeName));
        if (extensionNumber === undefined) return notFound(baseTypeName);
        return {
          case: "allExtensionNumbersResponse" as const,
          value: { baseTypeName, extensionNumber: [...extensionNumber] },
        };
      }
      case undefined:
        return problem(Code.InvalidArgument, "the request asks nothing that this server knows");
    }
  }

  /** Looks where the service is provided, or else in what was found last, then everywhere. */
  async function find<T>(
    recent: { set: DescriptorSet },
    look: (set: DescriptorSet) => T | undefined,
    service?: string,
  ): Promise<T | undefined> {
    const first = service === undefined ? look(recent.set) : undefined;
    if (first !== undefined) return first;
    for (const name of service === undefined ? view.services() : [service]) {
      // A plugin that does not tell, or tells nonsense, hides only itself.
      const set = await setOf(name).catch(() => undefined);
      const found = set === undefined ? undefined : look(set);
      if (set === undefined || found === undefined) continue;
      recent.set = set;
      return found;
    }
    const found = look(own);
    if (found !== undefined) recent.set = own;
    return found;
  }

  const v1: Implementation<typeof ServerReflection> = { serverReflectionInfo: answerAll };
  const v1alpha: Implementation<typeof ServerReflectionV1Alpha> = { serverReflectionInfo: answerAll };
  return [
    { desc: ServerReflection, implementation: v1 },
    { desc: ServerReflectionV1Alpha, implementation: v1alpha },
  ];
}

function fileOf(set: DescriptorSet, name: string | undefined): readonly Uint8Array[] | undefined {
  return name === undefined ? undefined : set.file(name);
}

function foundFile(what: string, files: readonly Uint8Array[] | undefined) {
  if (files === undefined) return notFound(what);
  const fileDescriptorProto = [...files];
  return { case: "fileDescriptorResponse" as const, value: { fileDescriptorProto } };
}

function notFound(what: string) {
  return problem(Code.NotFound, `no running plugin tells of ${printable(what)}`);
}

function problem(errorCode: Code, errorMessage: string) {
  return { case: "errorResponse" as const, value: { errorCode, errorMessage } };
}
