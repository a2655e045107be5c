/** @module `npm run generate`: everything that follows from the kinds. Editor schemas, the reference page and the definition of Run objects; a test fails when they are stale. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import type { Json } from "./json.ts";
import { API_VERSION, Name } from "./kinds/fields.ts";
import { runDefinition } from "./kinds/definition.ts";
import { fieldRows, type FieldRow } from "./kinds/field-rows.ts";
import { isJobKind, KIND_NAMES, type KindName, KINDS } from "./kinds/index.ts";
import { type JsonSchema, specSchema, toJsonSchema } from "./kinds/json-schema.ts";
import { yaml } from "./report/format.ts";
import { ALLOWED_SETTINGS } from "./spec/conf.ts";

const SCHEMAS = "job-specs/schema";

/** Path from the root of the repository → content. */
export function generated(): Record<string, string> {
  const schemas = KIND_NAMES.map((kind): [string, string] => [
    `${SCHEMAS}/${fileOf(kind)}`,
    pretty(editorSchema(kind)),
  ]);
  return {
    ...Object.fromEntries(schemas),
    [`${SCHEMAS}/sparkwright.json`]: pretty(anyKindSchema()),
    "docs/reference.md": referencePage(),
    "crds/runs.sparkwright.dev.yaml": `# Made by \`npm run generate\`; do not edit.\n${yaml(runDefinition() as unknown as Json)}`,
  };
}

function fileOf(kind: KindName): string {
  return `${kind.replaceAll(/(?<!^)[A-Z]/g, "-$&").toLowerCase()}.json`;
}

function pretty(schema: JsonSchema): string {
  return `${JSON.stringify(schema, null, 2)}\n`;
}

/** Schema of a whole document of one kind, for editors. */
function editorSchema(kind: KindName): JsonSchema {
  const document = z.strictObject({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal(kind),
    metadata: z.strictObject({
      name: Name,
      namespace: Name.optional(),
      labels: z.record(z.string(), z.string()).optional(),
      annotations: z.record(z.string(), z.string()).optional(),
    }),
    spec: KINDS[kind].schema,
  });
  const schema = toJsonSchema(document);
  const spec = schema.properties?.["spec"];
  if (isJobKind(kind) && spec !== undefined) allowReferences(spec);
  return { ...schema, title: kind, description: specSchema(kind).description ?? kind };
}

const REFERENCE = { type: "string", pattern: "\\$\\{(params|run)\\." };

/** A text of a job may be a reference, whatever form its value must have. */
function allowReferences(schema: JsonSchema): void {
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    if (name !== "params" && name !== "bind") schema.properties = { ...schema.properties, [name]: orReference(field) };
  }
  if (schema.items !== undefined) schema.items = orReference(schema.items);
  if (typeof schema.additionalProperties === "object")
    schema.additionalProperties = orReference(schema.additionalProperties);
}

function orReference(schema: JsonSchema): JsonSchema {
  if (schema.type !== "string") {
    allowReferences(schema);
    return schema;
  }
  if (schema.pattern === undefined && schema.enum === undefined && schema.maxLength === undefined) return schema;
  const { description, default: value, ...form } = schema;
  const kept = {
    ...(description === undefined ? {} : { description }),
    ...(value === undefined ? {} : { default: value }),
  };
  return { ...kept, anyOf: [form, REFERENCE] };
}

/** Schema of any document: chooses by kind. */
function anyKindSchema(): JsonSchema {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Sparkwright document",
    type: "object",
    required: ["apiVersion", "kind", "metadata", "spec"],
    properties: { apiVersion: { const: API_VERSION }, kind: { enum: [...KIND_NAMES] } },
    allOf: KIND_NAMES.map((kind) => ({
      if: { properties: { kind: { const: kind } }, required: ["kind"] },
      // oxlint-disable-next-line no-thenable -- the word JSON Schema uses
      then: { $ref: fileOf(kind) },
    })),
  };
}

function referencePage(): string {
  const kinds = KIND_NAMES.map((kind) => {
    const about = specSchema(kind).description ?? "";
    const rows = fieldRows(kind).map(rowText).join("\n");
    return `## ${kind}\n\n${about}\n\n| Field | Type | Default | Meaning |\n|---|---|---|---|\n${rows}\n`;
  });
  const settings = ALLOWED_SETTINGS.map((key) => (key.endsWith(".") ? `\`${key}*\`` : `\`${key}\``)).join(", ");
  return [
    "<!-- Made by `npm run generate`; do not edit. -->\n# Reference of the kinds\n",
    `Every document has \`apiVersion: ${API_VERSION}\`, a \`kind\`, \`metadata.name\` and a \`spec\`. The tables show the fields below \`spec\`; ` +
      "**required** stands where there is no default and the field must be given, — where it may be left out.\n",
    ...kinds,
    `## Spark settings\n\nThe \`conf\` of a Target and of its sizes may hold: ${settings}; and \`spark.driver.extraJavaOptions\` and ` +
      "`spark.executor.extraJavaOptions` with `-XX` switches and numbers, `-Xss` and `-D` properties. Memory, cores, image, namespace and service account have fields of their own.\n",
  ].join("\n");
}

function rowText({ field, type, required, default: value, meaning }: FieldRow): string {
  const shown = required ? "**required**" : value === undefined ? "—" : `\`${cell(value)}\``;
  return `| \`${field}\` | ${cell(type)} | ${shown} | ${cell(meaning)} |`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

if (import.meta.main) {
  const root = dirname(import.meta.dirname);
  for (const [path, content] of Object.entries(generated())) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}
