import type { DescField, DescMessage, DescOneof } from "@bufbuild/protobuf";
import { type Content, contentOf } from "./content.js";
import { mapKey } from "./map-key.js";
import type { Fields, TypeOf } from "./message-ops.js";
import { ODD } from "./odd-value.js";
import { hasPresence } from "./presence.js";
import { entriesOf, itemsOf } from "./write-field.js";

/** Copies a field, or what is selected of a oneof, into a message that has nothing set. */
export type CloneMember = (copy: Fields, source: Fields) => void;

export function cloneMember(member: DescMessage["members"][number], typeOf: TypeOf): CloneMember {
  return member.kind === "oneof" ? cloneOneof(member, typeOf) : cloneField(member, typeOf);
}

function cloneField(field: DescField, typeOf: TypeOf): CloneMember {
  const { localName: name } = field;
  const content = contentOf(field, typeOf);
  const { copy: copyValue, isZero } = content;
  if (field.fieldKind === "map") return cloneMap(field, content);
  if (field.fieldKind === "list") {
    return (copy, source) => {
      const items = copy[name] as unknown[];
      for (const item of itemsOf(source[name])) items.push(copyValue(item));
    };
  }
  if (hasPresence(field)) {
    return (copy, source) => {
      const value = source[name];
      if (value !== undefined && Object.hasOwn(source, name)) copy[name] = copyValue(value);
    };
  }
  return (copy, source) => {
    const value = source[name];
    if (!isZero(value)) copy[name] = copyValue(value);
  };
}

function cloneMap(field: DescField & { fieldKind: "map" }, { copy: copyValue }: Content): CloneMember {
  const { localName: name } = field;
  const key = mapKey(field.mapKey, field.utf8Validation);
  return (copy, source) => {
    const entries = entriesOf(source[name]);
    const copied = copy[name] as Fields;
    for (const property of Object.keys(entries)) {
      key.scalar.copy(key.parse(property));
      copied[property] = copyValue(entries[property]);
    }
  };
}

function cloneOneof(oneof: DescOneof, typeOf: TypeOf): CloneMember {
  const { localName: name } = oneof;
  const contents = new Map<unknown, Content>();
  for (const field of oneof.fields) contents.set(field.localName, contentOf(field, typeOf));
  return (copy, source) => {
    const { case: selected, value } = source[name] as { case: unknown; value?: unknown };
    if (selected === undefined) return;
    const content = contents.get(selected);
    if (content === undefined) throw ODD;
    copy[name] = { case: selected, value: content.copy(value) };
  };
}
