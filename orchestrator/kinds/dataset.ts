import { z } from "zod";
import { DatasetCheck } from "./dataset-check.ts";
import { Column, Columns, Description } from "./fields.ts";

export const Dataset = z
  .strictObject({
    description: Description,
    format: z
      .enum(["parquet", "csv", "model"])
      .default("parquet")
      .describe("model: a folder of files that belong together."),
    source: z
      .string()
      .optional()
      .describe("Source of the target that holds it; without one, a job of the pipeline writes it."),
    path: z.string().optional().describe("File or folder below the source."),
    csv: z
      .strictObject({
        separator: z.string().length(1).default(",").describe("Between two values."),
        header: z.boolean().default(true).describe("Whether the first line names the columns."),
        nullValue: z.string().default("").describe("Text that stands for no value."),
        encoding: z.string().default("UTF-8").describe("Character set of the files."),
      })
      .optional()
      .describe("How to read CSV."),
    columns: Columns.default([]).describe("Columns that must be there, with these types; empty: whatever is there."),
    partitionBy: z.array(Column).default([]).describe("Columns whose values name the folders."),
    checks: z
      .array(DatasetCheck)
      .default([])
      .describe("What must hold of the rows a job writes; looked at before they are published."),
    profile: z
      .boolean()
      .default(false)
      .describe("Whether a job that writes it also counts nulls and values of each column, in a pass of its own."),
  })
  .refine((d) => (d.source === undefined) === (d.path === undefined), {
    path: ["path"],
    message: "source and path go together: give both for data from outside, none for data a job writes",
  })
  .refine((d) => d.checks.length === 0 || (d.format === "parquet" && d.source === undefined), {
    path: ["checks"],
    message: "checks are made of Parquet that a job writes, not of models, CSV or data from outside",
  })
  .refine((d) => !d.profile || (d.format === "parquet" && d.source === undefined), {
    path: ["profile"],
    message: "a profile is made of Parquet that a job writes, not of models, CSV or data from outside",
  })
  .describe("A named place with format and schema; a port between jobs.");
export type Dataset = z.output<typeof Dataset>;
