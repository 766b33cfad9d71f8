import { fromBinary } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FieldDescriptorProto,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";

/** Files of Protobuf, searchable by what they declare. The files of one provider: others may have the same names. */
export interface DescriptorSet {
  /** A file by its name, then all that it imports, each serialized; undefined if there is no such file. */
  file(name: string): readonly Uint8Array[] | undefined;
  /** The name of the file that declares something, by full name. */
  declaring(symbol: string): string | undefined;
  /** The name of the file that declares an extension. */
  extending(message: string, number: number): string | undefined;
  /** Numbers of a message's extensions, in order; undefined for what is no message here. */
  extensionsOf(message: string): readonly number[] | undefined;
}

interface KnownFile {
  readonly bytes: Uint8Array;
  readonly imports: readonly string[];
}

/** Takes what a plugin says of itself, which may be anything: what makes no sense finds nothing. Throws for what is no file. */
export function createDescriptorSet(files: readonly Uint8Array[]): DescriptorSet {
  const known = new Map<string, KnownFile>();
  const symbols = new Map<string, string>();
  const messages = new Set<string>();
  const extensions = new Map<string, Map<number, string>>();

  function addFile(bytes: Uint8Array): void {
    const file = fromBinary(FileDescriptorProtoSchema, bytes);
    known.set(file.name, { bytes, imports: file.dependency });
    const declare = (symbol: string) => void symbols.set(symbol, file.name);
    addDeclarations(file, file.package, declare);
    for (const service of file.service) {
      const name = qualified(file.package, service.name);
      declare(name);
      for (const method of service.method) declare(`${name}.${method.name}`);
    }
  }

  type Declaring = Pick<FileDescriptorProto, "name" | "enumType" | "extension">;

  function addDeclarations(
    file: FileDescriptorProto,
    scope: string,
    declare: (symbol: string) => void,
    { enumType, extension }: Pick<Declaring, "enumType" | "extension"> = file,
    types: readonly DescriptorProto[] = file.messageType,
  ): void {
    for (const type of enumType) addEnum(type, scope, declare);
    for (const field of extension) addExtension(file, field, scope, declare);
    for (const type of types) {
      const name = qualified(scope, type.name);
      declare(name);
      messages.add(name);
      for (const field of [...type.field, ...type.oneofDecl]) declare(`${name}.${field.name}`);
      addDeclarations(file, name, declare, type, type.nestedType);
    }
  }

  function addEnum(type: EnumDescriptorProto, scope: string, declare: (symbol: string) => void): void {
    declare(qualified(scope, type.name));
    // Values are declared beside their enum, not in it.
    for (const value of type.value) declare(qualified(scope, value.name));
  }

  function addExtension(
    file: FileDescriptorProto,
    field: FieldDescriptorProto,
    scope: string,
    declare: (symbol: string) => void,
  ): void {
    declare(qualified(scope, field.name));
    const message = field.extendee.replace(/^\./, "");
    const numbers = extensions.get(message) ?? new Map<number, string>();
    extensions.set(message, numbers.set(field.number, file.name));
  }

  for (const bytes of files) addFile(bytes);

  return {
    file(name) {
      if (!known.has(name)) return undefined;
      const names = new Set([name]);
      // The set grows while it is gone through.
      for (const next of names) for (const imported of known.get(next)?.imports ?? []) names.add(imported);
      return [...names].flatMap((next) => known.get(next)?.bytes ?? []);
    },
    declaring: (symbol) => symbols.get(symbol),
    extending: (message, number) => extensions.get(message)?.get(number),
    extensionsOf(message) {
      const numbers = extensions.get(message);
      if (numbers === undefined && !messages.has(message)) return undefined;
      return [...(numbers?.keys() ?? [])].sort((a, b) => a - b);
    },
  };
}

function qualified(scope: string, name: string): string {
  return scope === "" ? name : `${scope}.${name}`;
}
