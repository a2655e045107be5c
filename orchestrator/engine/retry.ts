/** @module Whether, when and with how much memory a failed attempt is followed by another. */
import type { Step } from "../plan/plan.ts";
import { FAILURES } from "./failure.ts";
import { attemptsUsed, lastAttempt } from "./phases.ts";
import type { Failure, StepStatus } from "./run-state.ts";

const LONGEST_BACKOFF_MS = 10 * 60_000;

/** Whether another attempt is allowed after this failure, by its class and the step's allowance. */
export function mayRetry(step: Step, status: StepStatus, failure: Failure): boolean {
  return FAILURES[failure.class].retriable && attemptsUsed(status) < step.retry.attempts;
}

/** Pause before the next attempt in ms: the step's backoff, doubled with each failed attempt, ten minutes at most. */
export function backoffMs(step: Step, status: StepStatus): number {
  return Math.min(step.retry.backoffMs * 2 ** Math.max(0, attemptsUsed(status) - 1), LONGEST_BACKOFF_MS);
}

/** Memory factor of the next attempt: raised only when the last one ran out of memory. */
export function nextMemoryFactor(step: Step, status: StepStatus): number {
  const last = lastAttempt(status);
  if (last === undefined) return 1;
  return last.failure?.class === "OutOfMemory" ? last.memoryFactor * step.retry.memoryFactor : last.memoryFactor;
}
