import { createRegistry, type Message, toJson } from "@bufbuild/protobuf";
import { AdminService } from "@connect-plugin/protocol";

const registry = createRegistry(AdminService.file);

/** A message of the admin service as plain JSON data, with the field names that the documentation has. */
export function toRecord(message: Message): object {
  const schema = registry.getMessage(message.$typeName);
  if (schema === undefined)
    throw new TypeError(`${message.$typeName} is no message of ${AdminService.typeName}`);
  return toJson(schema, message, { alwaysEmitImplicit: true, registry }) as object;
}
