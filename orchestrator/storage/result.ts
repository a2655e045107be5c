/** @module The result document of a job (docs/job-protocol.md), as far as the control plane relies on it. */
import { z } from "zod";
import { UnavailableError } from "../errors.ts";
import { readText } from "./files.ts";

export const PROTOCOL = "sparkwright.dev/job/v1";

const Count = z.int().min(0);

const ResultFile = z.object({
  path: z.string().min(1),
  size: Count,
  etag: z.string().regex(/^sha256:[0-9a-f]{64}$/, "expected sha256: and 64 hex digits"),
  rows: Count.optional(),
  partition: z.record(z.string(), z.string()).optional(),
});

const ResultOutput = z.object({
  files: z.array(ResultFile),
  rows: Count.optional(),
  columns: z.array(z.object({ name: z.string(), type: z.string() })).optional(),
  checked: Count.optional(),
  profile: z
    .array(
      z.object({
        column: z.string(),
        nulls: Count,
        distinct: Count,
        min: z.string().nullable(),
        max: z.string().nullable(),
      }),
    )
    .optional(),
});
export type ResultOutput = z.output<typeof ResultOutput>;

export const JobResult = z.object({
  protocol: z.literal(PROTOCOL),
  outputs: z.record(z.string(), ResultOutput),
  metrics: z.record(z.string(), z.number()).default({}),
  tables: z
    .array(
      z.object({
        title: z.string(),
        columns: z.array(z.string()),
        rows: z.array(z.array(z.union([z.string(), z.number(), z.null(), z.boolean().transform(String)]))),
      }),
    )
    .default([]),
  notes: z.array(z.string()).default([]),
  inputs: z.record(z.string(), z.string()).default({}),
});
export type JobResult = z.output<typeof JobResult>;

/** The result at `path`, or in one line why there is none to rely on. */
export async function readResult(path: string): Promise<JobResult | string> {
  let text: string | undefined;
  try {
    text = await readText(path);
  } catch (error) {
    // That it could not be read now says nothing about the job.
    if (error instanceof UnavailableError) throw error;
    return `the result document cannot be read: ${String(error)}`;
  }
  if (text === undefined) return "the job ended well but wrote no result document";
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return `the result document ${path} is not JSON`;
  }
  const parsed = JobResult.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  return `the result document ${path} is not as agreed: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`;
}
