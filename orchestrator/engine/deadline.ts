/** @module Deadlines per phase, safe against a clock that is set back. */
import type { Step } from "../plan/plan.ts";
import type { AttemptPhase, AttemptStatus, Failure } from "./run-state.ts";

/** Milliseconds since a moment; 0 when the clock was set back behind it. */
export function elapsed(since: number, now: number): number {
  return Math.max(0, now - since);
}

/** The failure of an attempt that is longer in its phase than the step allows. */
export function overdue(step: Step, attempt: AttemptStatus, now: number): Failure | undefined {
  const limit = limitOf(step, attempt.phase);
  if (limit === undefined || elapsed(attempt.since, now) < limit.ms) return undefined;
  return exceeded(limit.name, limit.ms);
}

/** The failure of a step that waits longer for a place on the target than it allows. */
export function queuedTooLong(step: Step, readyAt: number, now: number): Failure | undefined {
  return elapsed(readyAt, now) < step.deadlines.queuedMs ? undefined : exceeded("queued", step.deadlines.queuedMs);
}

type Deadline = "queued" | "submitted" | "pending" | "running";

function limitOf(step: Step, phase: AttemptPhase): { name: Deadline; ms: number } | undefined {
  switch (phase) {
    case "Recorded":
    case "Submitted":
      return { name: "submitted", ms: step.deadlines.submittedMs };
    case "Pending":
      return { name: "pending", ms: step.deadlines.pendingMs };
    case "Running":
      return { name: "running", ms: step.deadlines.runningMs };
    case "Ended":
      return undefined;
  }
}

function exceeded(name: Deadline, ms: number): Failure {
  return {
    class: "DeadlineExceeded",
    cause: `longer than ${Math.round(ms / 1000)} s in phase ${name}`,
    evidence: [],
    remedy: `Find out what it waits for, or raise deadlines.${name} of the job`,
  };
}
