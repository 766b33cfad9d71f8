import type { DescField, DescMessage, DescOneof } from "@bufbuild/protobuf";
import { type Content, contentOf } from "./content.js";
import type { Fields, TypeOf } from "./message-ops.js";

/**
 * Sets a field, or what is selected of a oneof, to what a caller wrote. As protobuf-es it does not check values, and
 * keeps lists, maps and messages as they are where nothing in them has to become a message.
 */
export type InitMember = (message: Fields, init: Fields) => void;

export function initMember(member: DescMessage["members"][number], typeOf: TypeOf): InitMember {
  return member.kind === "oneof" ? initOneof(member, typeOf) : initField(member, typeOf);
}

function initField(field: DescField, typeOf: TypeOf): InitMember {
  const { localName: name } = field;
  const content = contentOf(field, typeOf);
  const { init: toLocal } =
    field.fieldKind === "list" || field.fieldKind === "map" ? many(field, content) : content;
  if (toLocal === undefined) {
    return (message, init) => {
      const value = init[name];
      if (value !== undefined && value !== null) message[name] = value;
    };
  }
  return (message, init) => {
    const value = init[name];
    if (value !== undefined && value !== null) message[name] = toLocal(value);
  };
}

function many(field: DescField, { init }: Content): Pick<Content, "init"> {
  if (init === undefined) return { init };
  if (field.fieldKind === "list")
    return { init: (value) => (Array.isArray(value) ? value.map(init) : value) };
  return {
    init(value) {
      if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
      const entries: Fields = {};
      for (const [key, item] of Object.entries(value)) entries[key] = init(item);
      return entries;
    },
  };
}

function initOneof(oneof: DescOneof, typeOf: TypeOf): InitMember {
  const { localName: name } = oneof;
  const contents = new Map<unknown, Content>();
  for (const field of oneof.fields) contents.set(field.localName, contentOf(field, typeOf));
  return (message, init) => {
    const given = init[name];
    if (given === undefined || given === null) return;
    const { case: selected, value } = given as { case: unknown; value?: unknown };
    const content = contents.get(selected);
    if (content === undefined) return;
    message[name] = { case: selected, value: content.init === undefined ? value : content.init(value) };
  };
}
