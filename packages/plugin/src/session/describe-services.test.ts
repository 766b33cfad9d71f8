import { create, createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { provides } from "../define/offer.js";
import { NotesService, TagService } from "../fixtures/gen/notes/v1/notes_pb.js";
import { describeServices } from "./describe-services.js";

test("what a plugin provides is described by files that are complete, each once, imports first", () => {
  const described = describeServices({
    notes: provides(NotesService, "1.0.0"),
    tags: provides(TagService, "1.0.0"),
  }).map((file) => fromBinary(FileDescriptorProtoSchema, file));
  const names = described.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const [index, { dependency }] of described.entries()) {
    for (const imported of dependency) expect(names.slice(0, index)).toContain(imported);
  }
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: described }));
  for (const { typeName, methods } of [NotesService, TagService]) {
    expect(registry.getService(typeName)?.methods.map(({ name }) => name)).toEqual(
      methods.map(({ name }) => name),
    );
  }
});

test("nothing is told of a plugin that provides nothing", () => {
  expect(describeServices({})).toEqual([]);
});
