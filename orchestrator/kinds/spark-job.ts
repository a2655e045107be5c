import { z } from "zod";
import { Name, jobFields } from "./fields.ts";

export const SparkJob = z
  .strictObject({
    ...jobFields,
    main: z.string().describe("Python file to run, relative to the code folder."),
    inputs: z.record(z.string(), Name).default({}).describe("Role to dataset."),
    outputs: z.record(z.string(), Name).default({}).describe("Role to dataset."),
    settings: z.record(z.string(), z.json()).default({}).describe("Passed to the job as they are."),
  })
  .describe("Any other PySpark job that reads a params document and writes a result document.");
export type SparkJob = z.output<typeof SparkJob>;
