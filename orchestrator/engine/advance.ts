/** @module How a run's status follows from an action that was decided or from a report of what was done. Pure; the loop writes the result. */
import { applicationName } from "../names.ts";
import type { Action } from "./decide.ts";
import { stepStatus } from "./decide.ts";
import type { AttemptStatus, CachedFrom, Failure, RunStatus, StepStatus } from "./run-state.ts";

/** What became of an action that touches the world. */
export type Report =
  | {
      report: "prepared";
      step: string;
      inputs: Record<string, { dataset: string; version: string }>;
      cacheKey: string;
      cachedFrom?: CachedFrom;
    }
  | { report: "unprepared"; step: string; failure: Failure }
  | { report: "submitted"; step: string; attempt: number }
  | { report: "unsubmitted"; step: string; attempt: number; failure: Failure }
  | { report: "removed"; step: string; attempt: number }
  | { report: "published"; step: string; outputs: Record<string, string>; unpublished: Record<string, string> }
  /** The outputs are not what was declared. */
  | { report: "refused"; step: string; failure: Failure }
  | { report: "cancelRequested" };

/** The status after an action is decided: written before the action is carried out. */
export function advance(run: string, status: RunStatus, action: Action, now: number): RunStatus {
  switch (action.do) {
    case "prepare":
    case "publish":
      return status;
    case "queue":
      return withStep(status, action.step, { readyAt: action.readyAt });
    case "submit":
      return submitted(run, status, action, now);
    case "note":
      return withAttempt(status, action.step, action.attempt, {
        phase: action.phase,
        since: now,
        ...(action.phase === "Pending" ? { pendingAt: now } : {}),
        ...(action.startedAt === undefined ? {} : { startedAt: action.startedAt }),
      });
    case "end": {
      const ended = withAttempt(status, action.step, action.attempt, {
        phase: "Ended",
        since: now,
        endedAt: action.endedAt ?? now,
        ...(action.failure === undefined ? {} : { failure: action.failure }),
      });
      return action.failure === undefined ? withStep(ended, action.step, { phase: "Publishing" }) : ended;
    }
    case "remove": {
      const { attempts } = stepStatus(status, action.step);
      // Tried again: what is recorded stays.
      if (attempts.some(({ number, failure }) => number === action.attempt && failure === action.failure))
        return status;
      return withAttempt(status, action.step, action.attempt, { failure: action.failure });
    }
    case "backoff":
      return withStep(status, action.step, { phase: "Backoff", notBefore: action.notBefore });
    case "conclude":
      return withStep(status, action.step, { phase: action.phase, reason: action.reason, endedAt: now });
    case "finish":
      return { ...status, phase: action.phase, endedAt: now };
  }
}

/** The status after something was done. */
export function absorb(status: RunStatus, report: Report, now: number): RunStatus {
  switch (report.report) {
    case "prepared":
      return prepared(status, report, now);
    case "unprepared":
      return withStep(status, report.step, {
        phase: "Failed",
        reason: `${report.failure.class}: ${report.failure.cause}`,
        failure: report.failure,
        endedAt: now,
      });
    case "submitted":
      return withAttempt(status, report.step, report.attempt, { phase: "Submitted", since: now, submittedAt: now });
    case "unsubmitted":
      return withAttempt(status, report.step, report.attempt, { failure: report.failure });
    case "removed":
      return withAttempt(status, report.step, report.attempt, { phase: "Ended", since: now, endedAt: now });
    case "published": {
      const { cachedFrom } = stepStatus(status, report.step);
      return withStep(status, report.step, {
        phase: cachedFrom === undefined ? "Succeeded" : "Cached",
        outputs: report.outputs,
        ...(Object.keys(report.unpublished).length === 0 ? {} : { unpublished: report.unpublished }),
        ...(cachedFrom === undefined ? {} : { reason: `unchanged since ${cachedFrom.run}` }),
        endedAt: now,
      });
    }
    case "refused":
      return refused(status, report.step, report.failure);
    case "cancelRequested":
      return { ...status, cancelRequested: true };
  }
}

function submitted(run: string, status: RunStatus, action: Action & { do: "submit" }, now: number): RunStatus {
  const mine = stepStatus(status, action.step);
  // Recorded before, by this process or by one that was killed: only the deed is repeated.
  if (mine.attempts.some((attempt) => attempt.number === action.attempt)) return status;
  const attempt: AttemptStatus = {
    number: action.attempt,
    application: applicationName(run, action.step, action.attempt),
    phase: "Recorded",
    recordedAt: now,
    since: now,
    memoryFactor: action.memoryFactor,
  };
  return withStep(without(status, action.step, "readyAt", "notBefore"), action.step, {
    phase: "Running",
    attempts: [...mine.attempts, attempt],
    startedAt: mine.startedAt ?? now,
  });
}

function prepared(status: RunStatus, report: Report & { report: "prepared" }, now: number): RunStatus {
  const { step, inputs, cacheKey, cachedFrom } = report;
  if (cachedFrom === undefined) return withStep(status, step, { inputs, cacheKey });
  return withStep(status, step, { inputs, cacheKey, cachedFrom, phase: "Publishing", startedAt: now });
}

function refused(status: RunStatus, step: string, failure: Failure): RunStatus {
  const mine = stepStatus(status, step);
  // What the cache offered broke between look-up and publishing: the step runs after all.
  if (mine.cachedFrom !== undefined)
    return withStep(without(status, step, "cachedFrom", "inputs"), step, { phase: "Waiting" });
  const last = mine.attempts.at(-1);
  if (last === undefined) return withStep(status, step, { phase: "Failed", reason: failure.cause });
  return withStep(withAttempt(status, step, last.number, { failure }), step, { phase: "Running" });
}

function withStep(status: RunStatus, name: string, change: Partial<StepStatus>): RunStatus {
  return { ...status, steps: { ...status.steps, [name]: { ...stepStatus(status, name), ...change } } };
}

function without(status: RunStatus, name: string, ...fields: (keyof StepStatus)[]): RunStatus {
  const kept = Object.fromEntries(
    Object.entries(stepStatus(status, name)).filter(([key]) => !fields.some((field) => field === key)),
  );
  return { ...status, steps: { ...status.steps, [name]: kept as unknown as StepStatus } };
}

function withAttempt(status: RunStatus, step: string, number: number, change: Partial<AttemptStatus>): RunStatus {
  const attempts = stepStatus(status, step).attempts.map((attempt) =>
    attempt.number === number ? { ...attempt, ...change } : attempt,
  );
  return withStep(status, step, { attempts });
}
