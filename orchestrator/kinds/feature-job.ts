import { z } from "zod";
import { Column, Day, Name, jobFields } from "./fields.ts";

const Hour = z.int().min(0).max(24);

export const FeatureJob = z
  .strictObject({
    ...jobFields,
    main: z.string().default("jobs/features.py").describe("Python file to run, relative to the code folder."),
    inputs: z
      .strictObject({
        lines: Name.describe("Raw purchases, one row per line of a basket."),
        items: Name.optional().describe("Raw item table, for categories. Without it every line has the category null."),
      })
      .describe("Datasets it reads, by role."),
    outputs: z
      .strictObject({
        lines: Name.describe("Clean lines, dated in the business zone, partitioned by date."),
        features: Name.describe("One row per entity as of the day asked for."),
      })
      .describe("Datasets it writes, by role."),
    asOf: Day.describe("Features see only local days before this one."),
    zones: z
      .strictObject({
        source: z.string().default("UTC").describe("Zone of the raw timestamps."),
        business: z.string().describe("Zone in which days and hours count for the business."),
      })
      .describe("IANA time zones."),
    columns: z
      .strictObject({
        entity: Column.describe("Who buys."),
        visit: Column.describe("What binds the lines of one visit."),
        time: Column.describe("When, in the source zone."),
        item: Column.describe("What was bought."),
        amount: Column.describe("What was paid for the line."),
        quantity: Column.optional().describe("How many were bought; without it, one per line."),
        discounts: z.array(Column).default([]).describe("Amounts taken off; their sum is the line's discount."),
        place: Column.optional().describe("Where."),
      })
      .describe("Columns of the raw lines by role."),
    items: z
      .strictObject({
        key: Column.describe("What the raw lines name the item by."),
        category: Column.describe("Category of the item."),
      })
      .optional()
      .describe("Columns of the item table by role."),
    timestampFormat: z
      .string()
      .optional()
      .describe("Spark pattern of `time` when it is text, such as dd.MM.yyyy HH:mm."),
    decimalComma: z.boolean().default(false).describe("Whether amounts in text are written 1,50."),
    windows: z
      .array(z.int().min(1).max(3660))
      .min(1)
      .default([28, 91, 364])
      .describe("Lookback windows in days, each ending the day before asOf."),
    dayparts: z
      .array(
        z.strictObject({
          name: Name.describe("Becomes part of the feature's name."),
          from: Hour.describe("First hour that belongs."),
          until: Hour.describe("First hour that no longer belongs."),
        }),
      )
      .default([
        { name: "morning", from: 6, until: 10 },
        { name: "midday", from: 10, until: 14 },
        { name: "afternoon", from: 14, until: 18 },
        { name: "evening", from: 18, until: 22 },
      ])
      .describe("Parts of the local day whose share of visits becomes a feature."),
  })
  .describe("Turns raw purchases into clean, locally dated lines and one row of features per entity.");
export type FeatureJob = z.output<typeof FeatureJob>;
