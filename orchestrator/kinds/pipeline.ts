import { z } from "zod";
import { Description, Name, Params } from "./fields.ts";

export const Pipeline = z
  .strictObject({
    description: Description,
    params: Params,
    jobs: z
      .array(
        z.strictObject({
          job: Name.describe("Name of a job document."),
          after: z.array(Name).default([]).describe("Jobs to wait for although no dataset says so."),
        }),
      )
      .min(1)
      .describe("The jobs; the datasets they read and write give the order."),
    publish: z
      .array(Name)
      .default([])
      .describe("Datasets that matter to readers, named at the end of a run; empty: all."),
  })
  .describe("Jobs joined by the datasets they read and write.");
export type Pipeline = z.output<typeof Pipeline>;
