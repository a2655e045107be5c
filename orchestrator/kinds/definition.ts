/** @module The definition of Run objects that a cluster needs, made from their schema. Structural: fields that it does not name are refused or dropped. */
import type { z } from "zod";
import { type JsonSchema, toJsonSchema } from "./json-schema.ts";
import { RunObjectStatus, RunSpec } from "./run.ts";

export const RUNS = { group: "sparkwright.dev", version: "v1alpha1", kind: "Run", plural: "runs" } as const;

const COLUMNS = [
  { name: "Target", type: "string", jsonPath: ".spec.target" },
  { name: "Phase", type: "string", jsonPath: ".status.phase" },
  { name: "Steps", type: "string", jsonPath: ".status.progress" },
  { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
  { name: "Definition", type: "string", jsonPath: ".spec.definition", priority: 1 },
  { name: "Driver", type: "string", jsonPath: ".status.driver.holder", priority: 1 },
];

/** The CustomResourceDefinition, keys in the order people read them. */
export function runDefinition() {
  const { group, version, kind, plural } = RUNS;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { kind, listKind: `${kind}List`, plural, singular: "run", categories: ["sparkwright"] },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: COLUMNS,
          schema: {
            openAPIV3Schema: {
              type: "object",
              description: "One execution of a pipeline or job.",
              required: ["spec"],
              properties: {
                apiVersion: { type: "string" },
                kind: { type: "string" },
                metadata: { type: "object" },
                spec: structural(RunSpec),
                status: structural(RunObjectStatus),
              },
            },
          },
        },
      ],
    },
  };
}

/** What a CRD may say of a schema: it is closed by itself, and `additionalProperties` stands for maps only. */
function structural(schema: z.ZodType): JsonSchema {
  const { $schema: _dialect, ...rest } = toJsonSchema(schema);
  return closed(rest);
}

function closed(schema: JsonSchema): JsonSchema {
  const { additionalProperties: open, properties, items, ...rest } = schema;
  return {
    ...rest,
    ...(properties === undefined
      ? {}
      : { properties: Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, closed(field)])) }),
    ...(items === undefined ? {} : { items: closed(items) }),
    ...(typeof open === "object" ? { additionalProperties: closed(open) } : {}),
  };
}
