/** @module The JSON schema of each kind, made from its zod schema, and ways to walk it: for messages, `explain`, reference tables and editors. */
import { z } from "zod";
import { KINDS, type KindName } from "./index.ts";

/** The part of JSON Schema draft 7 that kinds use. */
export interface JsonSchema {
  type?: string;
  description?: string;
  default?: unknown;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
  items?: JsonSchema;
  enum?: unknown[];
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  anyOf?: JsonSchema[];
  $ref?: string;
  definitions?: Record<string, JsonSchema>;
  [other: string]: unknown;
}

const made = new Map<KindName, JsonSchema>();

/** Schema of a kind's spec as people write it: fields with a default are not required. */
export function specSchema(kind: KindName): JsonSchema {
  let schema = made.get(kind);
  if (schema === undefined) {
    schema = toJsonSchema(KINDS[kind].schema);
    made.set(kind, schema);
  }
  return schema;
}

/** Draft 7 of what may be written, without the bounds of JavaScript's integers, which say nothing to a reader. */
export function toJsonSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    target: "draft-7",
    io: "input",
    override: ({ jsonSchema }) => {
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      delete jsonSchema.propertyNames;
      // A default that only opens the way to the defaults inside is no news.
      if (isEmptyObject(jsonSchema.default) && jsonSchema.properties !== undefined) delete jsonSchema.default;
    },
  }) as JsonSchema;
}

function isEmptyObject(value: unknown): boolean {
  return value !== null && typeof value === "object" && !Array.isArray(value) && Object.keys(value).length === 0;
}

export type Found = { schema: JsonSchema } | { unknown: string | number; at: (string | number)[]; known: string[] };

/** Schema at a path below a spec. When a field is unknown: that field, the path before it, and the fields there are. */
export function schemaAt(root: JsonSchema, path: readonly (string | number)[]): Found {
  let schema = root;
  for (const [index, part] of path.entries()) {
    const next = step(root, schema, part);
    if (next === undefined)
      return { unknown: part, at: path.slice(0, index), known: Object.keys(schema.properties ?? {}) };
    schema = next;
  }
  return { schema };
}

function step(root: JsonSchema, schema: JsonSchema, part: string | number): JsonSchema | undefined {
  const own = typeof part === "string" && schema.properties !== undefined && Object.hasOwn(schema.properties, part);
  if (own) return deref(root, schema.properties?.[part]);
  if (schema.items !== undefined && typeof part === "number") return deref(root, schema.items);
  if (typeof schema.additionalProperties === "object") return deref(root, schema.additionalProperties);
  // Free JSON holds anything.
  return schema.anyOf !== undefined || Object.keys(schema).length === 0 ? {} : undefined;
}

function deref(root: JsonSchema, schema: JsonSchema | undefined): JsonSchema | undefined {
  if (schema?.$ref === undefined) return schema;
  return root.definitions?.[schema.$ref.replace("#/definitions/", "")] ?? schema;
}
