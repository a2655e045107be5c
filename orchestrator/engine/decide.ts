/**
 * @module What to do next about a run, given only what was planned, what is recorded and what was seen.
 * Pure: the command line and the controller share it, so they cannot disagree. Every action may be asked for again after a
 * crash; doing it twice is the same as doing it once.
 */
import type { Plan, Step } from "../plan/plan.ts";
import type { Observation } from "../spark-app.ts";
import { overdue, queuedTooLong } from "./deadline.ts";
import {
  isDone,
  isLive,
  isOver,
  lastAttempt,
  liveAttempts,
  outcome,
  type LiveAttempt,
  type LivePhase,
} from "./phases.ts";
import { backoffMs, mayRetry, nextMemoryFactor } from "./retry.ts";
import type { AttemptStatus, Failure, RunPhase, RunStatus, StepStatus } from "./run-state.ts";
import { obstacle } from "./pod-obstacle.ts";
import { verdict } from "./verdict.ts";

/** Application name to what is there: null when nothing is; absent when it could not be asked. */
export type Seen = Record<string, Observation | null>;

export type Action =
  /** Find out what the step reads and whether an earlier execution stands for it. */
  | { do: "prepare"; step: string }
  /** Record that it waits for a place since `readyAt`. */
  | { do: "queue"; step: string; readyAt: number }
  /** Record the attempt, then start its application. */
  | { do: "submit"; step: string; attempt: number; memoryFactor: number }
  /** Record what was seen of a live attempt. */
  | { do: "note"; step: string; attempt: number; phase: LivePhase; startedAt?: number }
  /** Record that the application ended; without a failure its outputs are to be verified. */
  | { do: "end"; step: string; attempt: number; endedAt?: number; failure?: Failure }
  /** Record the failure, then stop and remove the application. */
  | { do: "remove"; step: string; attempt: number; failure: Failure }
  /** Verify, commit and publish what the last attempt (or the cache) holds. */
  | { do: "publish"; step: string }
  | { do: "backoff"; step: string; notBefore: number }
  | { do: "conclude"; step: string; phase: "Failed" | "Skipped" | "Cancelled"; reason: string }
  | { do: "finish"; phase: Exclude<RunPhase, "Running"> };

/** One action at most for each step, and no more than `allowed` submissions. None: wait until something else is seen, or until `nextWake`. */
export function decide(
  plan: Plan,
  status: RunStatus,
  seen: Seen,
  now: number,
  allowed: number = Number.POSITIVE_INFINITY,
): Action[] {
  if (status.phase !== "Running") return [];
  const ended = outcome(status);
  if (ended !== undefined) return [{ do: "finish", phase: ended }];
  const actions: Action[] = [];
  let free = Math.min(allowed, plan.target.spec.parallelism - liveAttempts(status));
  for (const step of plan.steps) {
    const action = nextFor(step, { status, seen, now, hasRoom: free > 0 });
    if (action === undefined) continue;
    const last = lastAttempt(stepStatus(status, step.name));
    if (action.do === "submit" && action.attempt !== last?.number) free -= 1;
    actions.push(action);
  }
  return actions;
}

/** Milliseconds until a decision may change without anything else being seen; undefined when only a sight can change it. */
export function nextWake(status: RunStatus, now: number): number | undefined {
  const times = Object.values(status.steps).flatMap((step) =>
    step.phase === "Backoff" ? [Math.max(0, (step.notBefore ?? now) - now)] : [],
  );
  return times.length === 0 ? undefined : Math.min(...times);
}

/** Whether a step may ask for a place now, so that it matters how many there are. */
export function wantsPlace(plan: Plan, status: RunStatus, now: number): boolean {
  return plan.steps.some(({ name, needs }) => {
    const mine = stepStatus(status, name);
    if (mine.phase === "Backoff") return (mine.notBefore ?? now) <= now;
    return mine.phase === "Waiting" && needs.every((need) => isDone(stepStatus(status, need).phase));
  });
}

interface Moment {
  status: RunStatus;
  seen: Seen;
  now: number;
  hasRoom: boolean;
}

/** The recorded status of a step; a step that has none yet is Waiting. */
export function stepStatus(status: RunStatus, name: string): StepStatus {
  return status.steps[name] ?? { phase: "Waiting", attempts: [] };
}

function nextFor(step: Step, moment: Moment): Action | undefined {
  const mine = stepStatus(moment.status, step.name);
  switch (mine.phase) {
    case "Waiting":
      return whenWaiting(step, mine, moment);
    case "Running":
      return whenRunning(step, mine, moment);
    case "Backoff":
      return whenInBackoff(step, mine, moment);
    case "Publishing":
      // Also when a cancel was asked for: a step that is half published would be neither old nor new.
      return { do: "publish", step: step.name };
    case "Succeeded":
    case "Cached":
    case "Failed":
    case "Skipped":
    case "Cancelled":
      return undefined;
  }
}

function whenWaiting(step: Step, mine: StepStatus, { status, now, hasRoom }: Moment): Action | undefined {
  if (status.cancelRequested === true) return cancelled(step);
  const needs = step.needs.map((name) => ({ name, phase: stepStatus(status, name).phase }));
  const broken = needs.find((need) => isOver(need.phase) && !isDone(need.phase));
  if (broken !== undefined) {
    return {
      do: "conclude",
      step: step.name,
      phase: "Skipped",
      reason: `it needs ${broken.name}, which is ${broken.phase}`,
    };
  }
  if (!needs.every((need) => isDone(need.phase))) return undefined;
  if (mine.inputs === undefined) return { do: "prepare", step: step.name };
  if (hasRoom) return submitNext(step, mine);
  // Also when the clock was set back behind the moment it began to wait.
  if (mine.readyAt === undefined || mine.readyAt > now) return { do: "queue", step: step.name, readyAt: now };
  const late = queuedTooLong(step, mine.readyAt, now);
  return late && { do: "conclude", step: step.name, phase: "Failed", reason: `${late.class}: ${late.cause}` };
}

function whenRunning(step: Step, mine: StepStatus, moment: Moment): Action | undefined {
  const attempt = lastAttempt(mine);
  if (attempt === undefined) return submitNext(step, mine);
  return isLive(attempt) ? whenLive(step, attempt, moment) : whenEnded(step, mine, attempt, moment);
}

function whenLive(step: Step, attempt: LiveAttempt, { status, seen, now }: Moment): Action | undefined {
  const { number } = attempt;
  const remove = (failure: Failure): Action => ({ do: "remove", step: step.name, attempt: number, failure });
  if (attempt.failure !== undefined) return remove(attempt.failure);
  const there = seen[attempt.application];
  if (there?.phase === "Ended") {
    const failure = verdict(there);
    // A driver whose end nobody saw may yet come up on a cluster; removing it makes sure that the next attempt is alone.
    if (failure !== undefined && there.cluster !== undefined && there.exitCode === undefined) return remove(failure);
    return {
      do: "end",
      step: step.name,
      attempt: number,
      ...(there.endedAt === undefined ? {} : { endedAt: there.endedAt }),
      ...(failure === undefined ? {} : { failure }),
    };
  }
  if (status.cancelRequested === true)
    return remove({ class: "Cancelled", cause: "cancelled on request", evidence: [] });
  const inTheWay = there ? obstacle(there) : undefined;
  if (inTheWay?.hopeless === true) return remove(inTheWay.failure);
  // Not to know is no evidence, and a deadline is not for the time in which nobody looked.
  if (there === undefined) return undefined;
  if (there !== null && PHASE_ORDER[there.phase] > PHASE_ORDER[attempt.phase])
    return noted(step, number, there, there.phase);
  const late = overdue(step, attempt, now);
  if (late !== undefined) return remove(because(late, inTheWay?.failure));
  if (attempt.since > now) return { do: "note", step: step.name, attempt: number, phase: attempt.phase };
  if (there === null) {
    if (attempt.phase === "Recorded")
      return { do: "submit", step: step.name, attempt: number, memoryFactor: attempt.memoryFactor };
    return remove({
      class: "StatusLost",
      cause: `application ${attempt.application} is not there any more`,
      evidence: [],
    });
  }
  return undefined;
}

/** It came on since it was last seen. */
function noted(step: Step, attempt: number, { startedAt }: Observation, phase: LivePhase): Action {
  return { do: "note", step: step.name, attempt, phase, ...(startedAt === undefined ? {} : { startedAt }) };
}

/** A deadline that passed, with what was in the way when it did. */
function because(late: Failure, inTheWay: Failure | undefined): Failure {
  return inTheWay === undefined ? late : { ...inTheWay, cause: `${late.cause}: ${inTheWay.cause}` };
}

/** A sight of an earlier phase is stale and changes nothing. */
const PHASE_ORDER: Record<LivePhase, number> = { Recorded: 0, Submitted: 1, Pending: 2, Running: 3 };

function whenEnded(step: Step, mine: StepStatus, attempt: AttemptStatus, { status, now }: Moment): Action {
  const { failure } = attempt;
  // `end` without a failure makes the step Publishing in the same write; a step that stands here without one was reset by hand.
  if (failure === undefined) return submitNext(step, mine);
  if (failure.class === "Cancelled" || status.cancelRequested === true) return cancelled(step);
  if (mayRetry(step, mine, failure)) return { do: "backoff", step: step.name, notBefore: now + backoffMs(step, mine) };
  return { do: "conclude", step: step.name, phase: "Failed", reason: `${failure.class}: ${failure.cause}` };
}

function whenInBackoff(step: Step, mine: StepStatus, { status, now, hasRoom }: Moment): Action | undefined {
  if (status.cancelRequested === true) return cancelled(step);
  const pause = backoffMs(step, mine);
  const left = (mine.notBefore ?? now) - now;
  // More left than was ever asked for: the clock was set back. Waiting for the old time could take for ever.
  if (left > pause) return { do: "backoff", step: step.name, notBefore: now + pause };
  return left <= 0 && hasRoom ? submitNext(step, mine) : undefined;
}

function submitNext(step: Step, mine: StepStatus): Action {
  return {
    do: "submit",
    step: step.name,
    attempt: mine.attempts.length + 1,
    memoryFactor: nextMemoryFactor(step, mine),
  };
}

function cancelled(step: Step): Action {
  return { do: "conclude", step: step.name, phase: "Cancelled", reason: "cancelled on request" };
}
