/** What is recorded about a run. The store's copy is the truth; everything here is plain JSON. */
import type { FailureClass } from "./failure.ts";

export type AttemptPhase = "Recorded" | "Submitted" | "Pending" | "Running" | "Ended";

export interface Failure {
  class: FailureClass;
  /** One line: what was wrong. */
  cause: string;
  /** Exit code, last exception, log lines: what it was concluded from. */
  evidence: string[];
  /** What to change, in words. */
  remedy?: string;
}

export interface AttemptStatus {
  number: number;
  /** Name of the Spark application. */
  application: string;
  phase: AttemptPhase;
  /** Times are epoch milliseconds by the writer's clock; never compared with file times. */
  recordedAt: number;
  submittedAt?: number;
  /** When its driver was first seen to wait for its start, on a cluster. */
  pendingAt?: number;
  startedAt?: number;
  endedAt?: number;
  /** When it entered its phase, by the driving process's clock; moved to now when that clock was set back, so that deadlines still come. */
  since: number;
  /** Driver memory factor of this attempt, 1 at first. */
  memoryFactor: number;
  /** Set before it has Ended: it is being removed because of this. */
  failure?: Failure;
}

export type StepPhase =
  | "Waiting"
  | "Running"
  | "Backoff"
  | "Publishing"
  | "Succeeded"
  | "Cached"
  | "Failed"
  | "Skipped"
  | "Cancelled";

/** The execution that stands for a step; `step` where it had another name there. */
export interface CachedFrom {
  run: string;
  step?: string;
  attempt: number;
}

export interface StepStatus {
  phase: StepPhase;
  attempts: AttemptStatus[];
  /** Set when its inputs are known: what would make it run again. */
  cacheKey?: string;
  /** Role to version read. */
  inputs?: Record<string, { dataset: string; version: string }>;
  /** Dataset to version written (or found in the cache). */
  outputs?: Record<string, string>;
  /** The commit that stands for this step, when one was found in the cache. */
  cachedFrom?: CachedFrom;
  /** Datasets whose pointer was not moved, and why. */
  unpublished?: Record<string, string>;
  /** Since when it waits for a free place on the target. */
  readyAt?: number;
  /** Attempts made before the last `retry`; they do not count against the allowance. */
  earlierAttempts?: number;
  /** Earliest time of the next attempt, while in Backoff. */
  notBefore?: number;
  /** Why it failed before it had an attempt. */
  failure?: Failure;
  /** Why it is skipped, cached, failed: one line. */
  reason?: string;
  startedAt?: number;
  endedAt?: number;
}

export type RunPhase = "Running" | "Succeeded" | "Failed" | "Cancelled";

export interface RunStatus {
  phase: RunPhase;
  startedAt: number;
  endedAt?: number;
  /** Raised by every write; a reader may see that it is stale. */
  revision: number;
  cancelRequested?: boolean;
  steps: Record<string, StepStatus>;
  /** Inputs that no step of the run writes, pinned at its start: dataset to version. */
  pinned: Record<string, string>;
  /** Digest of the packed code of each step, fixed at run start. */
  code: Record<string, string>;
}
