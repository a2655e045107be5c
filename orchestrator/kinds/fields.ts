/** Fields that several kinds share. A kind holds no unions, transforms or dates: a CRD could not say them. */
import { z } from "zod";

// Each schema reads a handful of objects: compiling a function for it takes longer than they do.
z.config({ jitless: true });

export const API_VERSION = "sparkwright.dev/v1alpha1";

/** DNS-1035: it becomes part of object names and label values. */
export const Name = z
  .string()
  .max(40)
  .regex(/^[a-z]([-a-z0-9]*[a-z0-9])?$/, "expected lower-case letters, digits and dashes, beginning with a letter")
  // The one name of this form that every object of JavaScript has: a step of that name would seem to have begun.
  .refine((name) => name !== "constructor", "this word is reserved; choose another name");

export const Day = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/, "expected a day such as 2017-11-15")
  .refine(isDay, { error: "no such day in the calendar", when: ({ issues }) => issues.length === 0 });

/** Whether a text such as 2017-02-29 is a day of the calendar. */
export function isDay(text: string): boolean {
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}

export const Memory = z
  .string()
  .regex(/^[1-9][0-9]*[mg]$/, "expected a size such as 512m or 4g (a whole number and m or g, not Gi)");

export const Duration = z.string().regex(/^[1-9][0-9]*[smh]$/, "expected a duration such as 30s, 10m or 2h");

/** For people; never a reason to run again. */
export const Description = z.string().optional().describe("What it is for, in a sentence.");

export const Column = z.string().min(1).max(128);

export const ColumnType = z
  .string()
  .regex(
    /^(string|int|bigint|double|boolean|date|timestamp|timestamp_ntz|array<(string|int|bigint|double)>)$/,
    "expected string, int, bigint, double, boolean, date, timestamp, timestamp_ntz or array<…> of one of the first four",
  );

export const Columns = z
  .array(
    z.strictObject({
      name: Column.describe("Name of the column."),
      type: ColumnType.describe("Spark type, such as bigint or array<string>."),
    }),
  )
  .describe("Columns with their Spark types.");

export const Param = z
  .strictObject({
    type: z.enum(["string", "int", "number", "boolean", "date"]).default("string").describe("Type of the value."),
    default: z.string().optional().describe("Value when none is given, written as text."),
    enum: z.array(z.string()).optional().describe("The only values allowed."),
    description: Description,
  })
  .describe("A typed parameter: ${params.NAME} in strings, `bind` elsewhere.");

export const Params = z.record(z.string(), Param).default({}).describe("Parameters by name.");

export const Retry = z
  .strictObject({
    attempts: z.int().min(1).max(10).default(2).describe("Attempts in all, the first included."),
    backoff: Duration.default("5s").describe("Pause before the second attempt; doubled for each further one."),
    memoryFactor: z
      .number()
      .min(1)
      .max(4)
      .default(1.5)
      .describe("Memory of the next attempt after OutOfMemory, times the last."),
  })
  .describe(
    "When a failed attempt is tried again. Failures a retry cannot mend (a wrong spec, a missing column) never are.",
  );

export const Deadlines = z
  .strictObject({
    queued: Duration.default("1h").describe("Longest wait before submission."),
    submitted: Duration.default("5m").describe("Longest time from submission to a driver."),
    pending: Duration.default("10m").describe("Longest time a driver may wait to start."),
    running: Duration.default("2h").describe("Longest time a driver may run."),
  })
  .describe("Longest time in each phase; past it the attempt fails with DeadlineExceeded.");

/** What every job kind has beside its own settings. These fields never reach the job itself. */
export const jobFields = {
  description: Description,
  size: z.string().default("small").describe("Name of a size of the target."),
  code: z
    .string()
    .optional()
    .describe("Folder of the job's code, relative to this file. Default: the jobs shipped with Sparkwright."),
  params: Params,
  bind: z
    .record(z.string(), z.string())
    .default({})
    .describe("Field path to parameter name, for fields that are not text."),
  retry: Retry.prefault({}),
  deadlines: Deadlines.prefault({}),
  cache: z.boolean().default(true).describe("Whether an earlier identical execution may stand for this one."),
};
