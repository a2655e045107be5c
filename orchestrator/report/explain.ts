/** @module `explain`: kinds and their fields as text. */
import type { Explained, FieldRow } from "../kinds/field-rows.ts";
import { table, type Column } from "./table.ts";
import type { Paint } from "./text.ts";

/** Every kind with its sentence. */
export function kindsTable(kinds: { kind: string; meaning: string }[], paint: Paint): string {
  const columns: Column<{ kind: string; meaning: string }>[] = [
    { title: "KIND", value: (row) => row.kind },
    { title: "MEANING", value: (row) => row.meaning },
  ];
  return table(columns, kinds, { paint });
}

/** A kind or field: its type, meaning and default, and the fields of the next level (all levels when `recursive`). */
export function explainText(
  explained: Exclude<Explained, { unknown: string }>,
  recursive: boolean,
  paint: Paint,
): string {
  const { kind, path, type, meaning, rows } = explained;
  const shown = recursive ? rows : rows.filter((row) => !isDeep(row));
  const head = [
    `${paint("strong", path === "" ? kind : `${kind}.${path}`)}  ${type}`,
    ...(meaning === "" ? [] : [meaning]),
    ...(explained.default === undefined ? [] : [`Default: ${explained.default}`]),
  ];
  const fields = shown.length === 0 ? "" : `\n${table(COLUMNS, shown, { paint })}`;
  return `${head.join("\n")}\n${fields}`;
}

const COLUMNS = [
  { title: "FIELD", value: (row: FieldRow) => row.field },
  { title: "TYPE", value: (row: FieldRow) => row.type },
  { title: "DEFAULT", value: (row: FieldRow) => (row.required ? "required" : (row.default ?? "")) },
  { title: "MEANING", value: (row: FieldRow) => row.meaning },
];

/** Whether a field lies more than one level down; entries of a list are no level of their own. */
function isDeep({ field }: FieldRow): boolean {
  return field.replace(/^(\[\]|\.NAME)\.?/, "").includes(".");
}
