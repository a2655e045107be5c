/**
 * A run on a cluster as an object of its own: what was asked for in the spec, which nobody may change, and what became of it in the status,
 * which only the run's driver writes. People never write one by hand; `sparkwright run` does.
 */
import { z } from "zod";
import { Day } from "./fields.ts";

/** Bytes of a spec. A plan that makes it longer lies in the store. */
export const LONGEST_SPEC = 256 * 1024;

const Text = z.string().max(1024);
const Time = z.string().meta({ format: "date-time" });
const Digest = z.string().max(64);
// Bounds let the server tell beforehand what its rules cost.
const Texts = z.record(z.string(), Text).meta({ maxProperties: 1000 });

export const RunSpec = z
  .strictObject({
    definition: Text.describe("The pipeline or job."),
    target: Text.describe("Name of the target it runs on."),
    params: Texts.default({}).describe("Parameters it was given."),
    date: Day.describe("The day it began, as ${run.date} says it."),
    sequence: z.int().min(1).describe("Its number in the store; a pointer is never moved by a run of a lower one."),
    from: Text.optional().describe("The run whose outputs stand for the steps left out."),
    drivenBy: z.enum(["cli", "controller"]).describe("Who submits and follows its applications."),
    store: Text.describe("Root of the store of its data and documents, such as s3a://BUCKET/PREFIX."),
    pinned: Texts.default({}).describe("Version of each dataset that it reads and does not write."),
    code: Texts.default({}).describe("Digest of the packed code of each step."),
    plan: z
      .string()
      .max(LONGEST_SPEC)
      .optional()
      .describe("The resolved plan as JSON text; a long one lies in the store."),
    planDigest: Digest.describe("SHA-256 of the plan."),
  })
  .describe("What was asked for. Nobody can change it.")
  .meta({
    "x-kubernetes-validations": [{ rule: "self == oldSelf", message: "a run cannot be changed; start another" }],
  });
export type RunSpec = z.output<typeof RunSpec>;

const Failure = z.strictObject({
  class: Text.describe("One of the failure classes."),
  cause: z.string().describe("What was wrong, in one line."),
  remedy: z.string().optional().describe("What to change."),
  evidence: Digest.optional().describe("SHA-256 of the document in the store that tells what it was concluded from."),
});

const Attempt = z.strictObject({
  number: z.int().min(1).describe("Counts from 1."),
  application: Text.describe("Name of its SparkApplication."),
  phase: z.enum(["Recorded", "Submitted", "Pending", "Running", "Ended"]).describe("What is known of it."),
  recordedAt: Time.describe("When it was decided on."),
  submittedAt: Time.optional().describe("When its application was created."),
  pendingAt: Time.optional().describe("When its driver was first seen to wait for its start."),
  startedAt: Time.optional().describe("When its driver started."),
  endedAt: Time.optional().describe("When its driver ended."),
  since: Time.describe("When it entered its phase."),
  memoryFactor: z.number().describe("Memory of the driver, times what the size says."),
  failure: Failure.optional().describe("Why it failed, or is being removed."),
});

const Versions = z.record(z.string(), z.string());

const StepRow = z.strictObject({
  name: Text.describe("Name of the step."),
  phase: z
    .enum(["Waiting", "Running", "Backoff", "Publishing", "Succeeded", "Cached", "Failed", "Skipped", "Cancelled"])
    .describe("Where it stands."),
  reason: z.string().optional().describe("Why it stands there, in one line."),
  attempts: z.array(Attempt).default([]).describe("Its SparkApplications, oldest first."),
  earlierAttempts: z.int().optional().describe("Attempts made before the last retry."),
  startedAt: Time.optional().describe("When its first attempt began."),
  endedAt: Time.optional().describe("When it was over."),
  readyAt: Time.optional().describe("Since when it waits for a place on the target."),
  notBefore: Time.optional().describe("Earliest time of the next attempt."),
  cacheKey: Text.optional().describe("Digest of all that would make it run again."),
  cachedFrom: z
    .strictObject({ run: Text, step: Text.optional(), attempt: z.int() })
    .optional()
    .describe("The earlier execution that stands for it."),
  inputs: z
    .record(z.string(), z.strictObject({ dataset: Text, version: Text }))
    .optional()
    .describe("Version read, by role."),
  outputs: Versions.optional().describe("Version written, by dataset."),
  unpublished: Versions.optional().describe("Why readers do not see a version, by dataset."),
  failure: Failure.optional().describe("Why it failed before it had an attempt."),
});

const Condition = z.strictObject({
  type: Text,
  status: z.enum(["True", "False", "Unknown"]),
  reason: Text,
  message: z.string(),
  lastTransitionTime: Time,
});

export const RunObjectStatus = z
  .strictObject({
    phase: z.enum(["Running", "Succeeded", "Failed", "Cancelled"]).optional().describe("Where the run stands."),
    progress: Text.optional().describe("Steps that are done, of all."),
    startedAt: Time.optional().describe("When it was created."),
    endedAt: Time.optional().describe("When it was over."),
    revision: z.int().optional().describe("Raised by every write."),
    cancelRequested: z.boolean().optional().describe("Whether it is being cancelled."),
    driver: z
      .strictObject({ holder: Text, term: z.int() })
      .optional()
      .describe("Who drives it or drove it last; nobody of a lower term can write here."),
    steps: z
      .array(StepRow)
      .optional()
      .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] })
      .describe("One row for each step, in the order of the plan."),
    conditions: z
      .array(Condition)
      .optional()
      .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"] })
      .describe("Succeeded: True, False, or Unknown while it goes on."),
  })
  .describe("What became of it; written by its driver only.");
export type RunObjectStatus = z.output<typeof RunObjectStatus>;
