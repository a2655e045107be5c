/** @module The fields of a kind as rows: for `sparkwright explain KIND.path` and the reference page. */
import { type KindName, KINDS } from "./index.ts";
import { type JsonSchema, schemaAt, specSchema } from "./json-schema.ts";

export interface FieldRow {
  /** Path below the spec; `[]` for entries of a list, `.NAME` for entries of a map with free keys. */
  field: string;
  /** In words: `text`, `whole number, 1 to 10`, `one of "a", "b"`, `list of text`. */
  type: string;
  required: boolean;
  /** JSON of the default, absent when there is none. */
  default?: string;
  meaning: string;
}

export type Explained =
  | { kind: KindName; path: string; type: string; meaning: string; default?: string; rows: FieldRow[] }
  | { unknown: string; known: string[] };

/** A path such as `FeatureJob.spec.zones` or `featurejob.zones`: what it means and the fields below it; the unknown part and what is known there otherwise. */
export function explain(path: string): Explained {
  const [first = "", ...rest] = path.split(/[.[\]]+/).filter((part) => part !== "");
  const kind = Object.values(KINDS).find((each) =>
    [each.kind.toLowerCase(), each.plural].includes(first.toLowerCase()),
  )?.kind;
  if (kind === undefined) return { unknown: first, known: Object.keys(KINDS) };
  const below = rest[0] === "spec" ? rest.slice(1) : rest;
  const found = schemaAt(specSchema(kind), withIndices(kind, below));
  if ("unknown" in found) return { unknown: String(found.unknown), known: found.known };
  const { schema } = found;
  return {
    kind,
    path: below.join("."),
    type: typeOf(schema),
    meaning: schema.description ?? "",
    ...(schema.default === undefined ? {} : { default: JSON.stringify(schema.default) }),
    rows: rowsOf(schema, ""),
  };
}

/** `dayparts.name` means the name of each entry: an index is put in where people leave it out. */
function withIndices(kind: KindName, path: string[]): (string | number)[] {
  const full: (string | number)[] = [];
  for (const part of path) {
    const found = schemaAt(specSchema(kind), full);
    if ("schema" in found && found.schema.items !== undefined) {
      full.push(/^\d+$/.test(part) ? Number(part) : 0);
      if (/^\d+$/.test(part)) continue;
    }
    full.push(part);
  }
  return full;
}

/** Every field of a kind, depth first, in the order of the schema. */
export function fieldRows(kind: KindName): FieldRow[] {
  return rowsOf(specSchema(kind), "");
}

function rowsOf(schema: JsonSchema, prefix: string): FieldRow[] {
  const rows: FieldRow[] = [];
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const path = prefix === "" ? name : `${prefix}.${name}`;
    rows.push({
      field: path,
      type: typeOf(field),
      required: schema.required?.includes(name) === true,
      ...(field.default === undefined ? {} : { default: JSON.stringify(field.default) }),
      meaning: field.description ?? "",
    });
    rows.push(...rowsOf(field, path));
  }
  if (schema.items?.properties !== undefined) rows.push(...rowsOf(schema.items, `${prefix}[]`));
  if (typeof schema.additionalProperties === "object" && schema.additionalProperties.properties !== undefined) {
    rows.push(...rowsOf(schema.additionalProperties, `${prefix}.NAME`));
  }
  return rows;
}

/** The type of a schema in words. */
export function typeOf(schema: JsonSchema): string {
  if (schema.enum !== undefined) return `one of ${schema.enum.map((value) => JSON.stringify(value)).join(", ")}`;
  if (schema.type === "array") return `list of ${typeOf(schema.items ?? {})}`;
  if (schema.type === "object" && typeof schema.additionalProperties === "object")
    return `map of ${typeOf(schema.additionalProperties)}`;
  return `${WORDS[schema.type ?? ""] ?? "any"}${boundsOf(schema)}`;
}

const WORDS: Record<string, string> = {
  string: "text",
  integer: "whole number",
  number: "number",
  boolean: "true or false",
  object: "map",
};

function boundsOf({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: JsonSchema): string {
  const low =
    minimum !== undefined ? `from ${minimum}` : exclusiveMinimum !== undefined ? `above ${exclusiveMinimum}` : "";
  const high =
    maximum !== undefined ? `to ${maximum}` : exclusiveMaximum !== undefined ? `below ${exclusiveMaximum}` : "";
  const bounds = [low, high].filter((bound) => bound !== "").join(" ");
  return bounds === "" ? "" : `, ${bounds}`;
}
