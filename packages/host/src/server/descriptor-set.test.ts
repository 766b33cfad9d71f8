import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { createDescriptorSet } from "./descriptor-set.js";

const base = toBinary(
  FileDescriptorProtoSchema,
  create(FileDescriptorProtoSchema, { name: "base.proto", package: "base", messageType: [{ name: "Base" }] }),
);
const notes = toBinary(
  FileDescriptorProtoSchema,
  create(FileDescriptorProtoSchema, {
    name: "notes/v1/notes.proto",
    package: "notes.v1",
    dependency: ["base.proto", "absent.proto"],
    enumType: [{ name: "Colour", value: [{ name: "RED", number: 0 }] }],
    messageType: [
      {
        name: "Note",
        field: [{ name: "text", number: 1 }],
        oneofDecl: [{ name: "kind" }],
        nestedType: [{ name: "Tag", enumType: [{ name: "Size", value: [{ name: "BIG", number: 0 }] }] }],
      },
    ],
    extension: [
      {
        name: "priority",
        number: 1_001,
        extendee: ".base.Base",
        type: FieldDescriptorProto_Type.INT32,
        label: FieldDescriptorProto_Label.OPTIONAL,
      },
    ],
    service: [
      {
        name: "NotesService",
        method: [{ name: "Read", inputType: ".notes.v1.Note", outputType: ".base.Base" }],
      },
    ],
  }),
);

const set = createDescriptorSet([base, notes]);
const namesOf = (files: readonly Uint8Array[] | undefined) =>
  files?.map((file) => fromBinary(FileDescriptorProtoSchema, file).name);

describe("a set of descriptors", () => {
  it.each([
    "notes.v1.NotesService",
    "notes.v1.NotesService.Read",
    "notes.v1.Note",
    "notes.v1.Note.text",
    "notes.v1.Note.kind",
    "notes.v1.Note.Tag",
    "notes.v1.Note.Tag.Size",
    "notes.v1.Note.Tag.BIG",
    "notes.v1.Colour",
    "notes.v1.RED",
    "notes.v1.priority",
  ])("knows where %s is declared", (symbol) => {
    expect(set.declaring(symbol)).toBe("notes/v1/notes.proto");
  });

  it.each(["", "notes.v1", "notes.v1.Nothing", "Note", "base.priority"])("knows nothing of %j", (symbol) => {
    expect(set.declaring(symbol)).toBeUndefined();
  });

  it("gives a file with all that it imports, the file first", () => {
    expect(namesOf(set.file("notes/v1/notes.proto"))).toEqual(["notes/v1/notes.proto", "base.proto"]);
    expect(namesOf(set.file("base.proto"))).toEqual(["base.proto"]);
    expect(set.file("absent.proto")).toBeUndefined();
  });

  it("finds extensions by what they extend", () => {
    expect(set.extending("base.Base", 1_001)).toBe("notes/v1/notes.proto");
    expect(set.extending("base.Base", 1)).toBeUndefined();
    expect(set.extensionsOf("base.Base")).toEqual([1_001]);
    expect(set.extensionsOf("notes.v1.Note")).toEqual([]);
    expect(set.extensionsOf("no.Such")).toBeUndefined();
  });

  it("refuses what is no file", () => {
    expect(() => createDescriptorSet([new Uint8Array([255, 255])])).toThrow();
  });
});

it("files that import each other are given once", () => {
  const circular = ["a", "b"].map((name) =>
    toBinary(
      FileDescriptorProtoSchema,
      create(FileDescriptorProtoSchema, { name, dependency: [name === "a" ? "b" : "a"] }),
    ),
  );
  expect(namesOf(createDescriptorSet(circular).file("a"))).toEqual(["a", "b"]);
});
