import { type DescFile, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { Offers } from "../define/offer.js";

/** The files of the offered services and all that they import, serialized; what is imported comes first. */
export function describeServices(provides: Offers): Uint8Array[] {
  const files = new Set<DescFile>();
  const seen = new Set<DescFile>();

  function add(file: DescFile): void {
    if (seen.has(file)) return;
    seen.add(file);
    for (const imported of file.dependencies) add(imported);
    files.add(file);
  }

  for (const { desc } of Object.values(provides)) add(desc.file);
  return [...files].map((file) => toBinary(FileDescriptorProtoSchema, file.proto));
}
