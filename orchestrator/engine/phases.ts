/** @module Questions about the phases of runs, steps and attempts. */
import type { AttemptPhase, AttemptStatus, RunPhase, RunStatus, StepPhase, StepStatus } from "./run-state.ts";

/** Whether nothing more will happen to a step, short of `retry`. */
export function isOver(phase: StepPhase): boolean {
  switch (phase) {
    case "Succeeded":
    case "Cached":
    case "Failed":
    case "Skipped":
    case "Cancelled":
      return true;
    case "Waiting":
    case "Running":
    case "Backoff":
    case "Publishing":
      return false;
  }
}

/** Whether a step's outputs may be read. */
export function isDone(phase: StepPhase): boolean {
  return phase === "Succeeded" || phase === "Cached";
}

export type LivePhase = Exclude<AttemptPhase, "Ended">;
export type LiveAttempt = AttemptStatus & { phase: LivePhase };

/** Whether an application of the attempt may exist. */
export function isLive(attempt: AttemptStatus): attempt is LiveAttempt {
  return attempt.phase !== "Ended";
}

/** The newest attempt of a step. */
export function lastAttempt(step: StepStatus): AttemptStatus | undefined {
  return step.attempts.at(-1);
}

/** Attempts that count against the step's allowance. */
export function attemptsUsed(step: StepStatus): number {
  return step.attempts.length - (step.earlierAttempts ?? 0);
}

/** Applications that occupy a place on the target now. */
export function liveAttempts(status: RunStatus): number {
  return Object.values(status.steps).flatMap((step) => step.attempts.filter(isLive)).length;
}

/** How the run ended, once every step is over. */
export function outcome(status: RunStatus): Exclude<RunPhase, "Running"> | undefined {
  const phases = Object.values(status.steps).map((step) => step.phase);
  if (!phases.every(isOver)) return undefined;
  if (phases.includes("Cancelled")) return "Cancelled";
  return phases.some((phase) => !isDone(phase)) ? "Failed" : "Succeeded";
}
