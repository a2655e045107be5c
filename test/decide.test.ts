import { describe, expect, test } from "vitest";
import { decide, nextWake, type Seen } from "../orchestrator/engine/decide.ts";
import type { AttemptStatus, RunStatus } from "../orchestrator/engine/run-state.ts";
import type { Plan } from "../orchestrator/plan/plan.ts";
import { planWith, statusOf, stepOf } from "./stand-in/plan.ts";

const NOW = 1_000_000;
const ONE = planWith([stepOf("one")]);
const TWO = planWith([stepOf("one"), stepOf("two", { reads: { one: "one" } })]);

function attempt(change: Partial<AttemptStatus> = {}): AttemptStatus {
  return { number: 1, application: "app", phase: "Running", recordedAt: NOW, since: NOW, memoryFactor: 1, ...change };
}

const ready = { inputs: {}, cacheKey: "k" };
const failed = (className: "OutOfMemory" | "ApplicationError" | "ConfigError", number = 1) =>
  attempt({ number, phase: "Ended", failure: { class: className, cause: "c", evidence: [] }, memoryFactor: 2 });

interface Case {
  plan?: Plan;
  status: RunStatus;
  seen?: Seen;
  now?: number;
  actions: unknown[];
}

const CASES: Record<string, Case> = {
  "a step without needs is prepared": { status: statusOf({ one: {} }), actions: [{ do: "prepare", step: "one" }] },
  "a step with inputs is submitted": {
    status: statusOf({ one: ready }),
    actions: [{ do: "submit", step: "one", attempt: 1, memoryFactor: 1 }],
  },
  "a step waits for what it needs": {
    plan: TWO,
    status: statusOf({ one: { phase: "Running", attempts: [attempt()] }, two: {} }),
    actions: [],
  },
  "what is cached is done": {
    plan: TWO,
    status: statusOf({ one: { phase: "Cached" }, two: {} }),
    actions: [{ do: "prepare", step: "two" }],
  },
  "dependants of a failed step are skipped": {
    plan: TWO,
    status: statusOf({ one: { phase: "Failed" }, two: {} }),
    actions: [{ do: "conclude", step: "two", phase: "Skipped", reason: "it needs one, which is Failed" }],
  },
  "a recorded attempt that nobody started is started": {
    status: statusOf({ one: { ...ready, phase: "Running", attempts: [attempt({ phase: "Recorded" })] } }),
    seen: { app: null },
    actions: [{ do: "submit", step: "one", attempt: 1, memoryFactor: 1 }],
  },
  "what could not be asked about is no evidence": {
    status: statusOf({ one: { phase: "Running", attempts: [attempt()] } }),
    actions: [],
  },
  "what vanished is removed": {
    status: statusOf({ one: { phase: "Running", attempts: [attempt()] } }),
    seen: { app: null },
    actions: [expect.objectContaining({ do: "remove", failure: expect.objectContaining({ class: "StatusLost" }) })],
  },
  "a sight of an earlier phase is stale": {
    status: statusOf({ one: { phase: "Running", attempts: [attempt()] } }),
    seen: { app: { phase: "Pending" } },
    actions: [],
  },
  "an end without failure ends the attempt": {
    status: statusOf({ one: { phase: "Running", attempts: [attempt()] } }),
    seen: { app: { phase: "Ended", exitCode: 0, endedAt: 5 } },
    actions: [{ do: "end", step: "one", attempt: 1, endedAt: 5 }],
  },
  "a failure that a retry may mend is backed off": {
    status: statusOf({ one: { ...ready, phase: "Running", attempts: [failed("ApplicationError")] } }),
    actions: [{ do: "backoff", step: "one", notBefore: NOW + 20 }],
  },
  "a failure that no retry mends is final": {
    status: statusOf({ one: { ...ready, phase: "Running", attempts: [failed("ConfigError")] } }),
    actions: [{ do: "conclude", step: "one", phase: "Failed", reason: "ConfigError: c" }],
  },
  "the last attempt is final": {
    status: statusOf({
      one: { ...ready, phase: "Running", attempts: [failed("ApplicationError"), failed("ApplicationError", 2)] },
    }),
    actions: [expect.objectContaining({ do: "conclude", phase: "Failed" })],
  },
  "attempts before a retry do not count": {
    status: statusOf({
      one: {
        ...ready,
        phase: "Running",
        earlierAttempts: 1,
        attempts: [failed("ApplicationError"), failed("ApplicationError", 2)],
      },
    }),
    actions: [expect.objectContaining({ do: "backoff" })],
  },
  "after OutOfMemory the next attempt gets more": {
    status: statusOf({ one: { ...ready, phase: "Backoff", notBefore: NOW, attempts: [failed("OutOfMemory")] } }),
    actions: [{ do: "submit", step: "one", attempt: 2, memoryFactor: 3 }],
  },
  "after another failure it gets as much": {
    status: statusOf({ one: { ...ready, phase: "Backoff", notBefore: NOW, attempts: [failed("ApplicationError")] } }),
    actions: [{ do: "submit", step: "one", attempt: 2, memoryFactor: 2 }],
  },
  "a backoff is waited for": {
    status: statusOf({
      one: { ...ready, phase: "Backoff", notBefore: NOW + 10, attempts: [failed("ApplicationError")] },
    }),
    actions: [],
  },
  "a clock set back begins the backoff anew": {
    status: statusOf({
      one: { ...ready, phase: "Backoff", notBefore: NOW + 3_600_000, attempts: [failed("ApplicationError")] },
    }),
    actions: [{ do: "backoff", step: "one", notBefore: NOW + 20 }],
  },
  "a clock set back begins the phase anew": {
    status: statusOf({ one: { phase: "Running", attempts: [attempt({ since: NOW + 3_600_000 })] } }),
    seen: { app: { phase: "Running" } },
    actions: [{ do: "note", step: "one", attempt: 1, phase: "Running" }],
  },
  "past its deadline it is removed": {
    status: statusOf({ one: { phase: "Running", attempts: [attempt({ since: NOW - 60_000 })] } }),
    seen: { app: { phase: "Running" } },
    actions: [
      expect.objectContaining({ do: "remove", failure: expect.objectContaining({ class: "DeadlineExceeded" }) }),
    ],
  },
  "what came on while nobody looked is noted before its deadline counts": {
    status: statusOf({
      one: { phase: "Running", attempts: [attempt({ phase: "Submitted", since: NOW - 3_600_000 })] },
    }),
    seen: { app: { phase: "Running", startedAt: 7 } },
    actions: [{ do: "note", step: "one", attempt: 1, phase: "Running", startedAt: 7 }],
  },
  "a deadline that passed while nothing could be asked is no verdict": {
    status: statusOf({ one: { phase: "Running", attempts: [attempt({ since: NOW - 60_000 })] } }),
    actions: [],
  },
  "a driver of a cluster whose end nobody saw is removed before the next attempt": {
    status: statusOf({ one: { phase: "Running", attempts: [attempt()] } }),
    seen: { app: { phase: "Ended", cluster: {} } },
    actions: [expect.objectContaining({ do: "remove", failure: expect.objectContaining({ class: "StatusLost" }) })],
  },
  "a driver whose end nobody saw may have succeeded when its result document is there": {
    status: statusOf({ one: { phase: "Running", attempts: [attempt()] } }),
    seen: { app: { phase: "Ended", cluster: {}, hasResult: true } },
    actions: [{ do: "end", step: "one", attempt: 1 }],
  },
  "a removal is asked for until it is done": {
    status: statusOf({
      one: { phase: "Running", attempts: [attempt({ failure: { class: "Cancelled", cause: "c", evidence: [] } })] },
    }),
    seen: { app: { phase: "Running" } },
    actions: [expect.objectContaining({ do: "remove" })],
  },
  "cancel removes what runs and drops what waits": {
    plan: TWO,
    status: statusOf({ one: { phase: "Running", attempts: [attempt()] }, two: {} }, { cancelRequested: true }),
    seen: { app: { phase: "Running" } },
    actions: [
      expect.objectContaining({ do: "remove" }),
      expect.objectContaining({ do: "conclude", phase: "Cancelled" }),
    ],
  },
  "cancel lets a publication end": {
    status: statusOf({ one: { phase: "Publishing" } }, { cancelRequested: true }),
    actions: [{ do: "publish", step: "one" }],
  },
  "the target's parallelism is kept": {
    plan: planWith([stepOf("one"), stepOf("two"), stepOf("three")]),
    status: statusOf({ one: ready, two: ready, three: ready }),
    actions: [
      expect.objectContaining({ do: "submit", step: "one" }),
      expect.objectContaining({ do: "submit", step: "two" }),
      { do: "queue", step: "three", readyAt: NOW },
    ],
  },
  "waiting for a place has a deadline": {
    plan: planWith([stepOf("one"), stepOf("two")], { parallelism: 1 }),
    status: statusOf({ one: { phase: "Running", attempts: [attempt()] }, two: { ...ready, readyAt: NOW - 60_000 } }),
    actions: [expect.objectContaining({ do: "conclude", step: "two", phase: "Failed" })],
  },
  "all over: succeeded": {
    plan: TWO,
    status: statusOf({ one: { phase: "Succeeded" }, two: { phase: "Cached" } }),
    actions: [{ do: "finish", phase: "Succeeded" }],
  },
  "all over: failed": {
    plan: TWO,
    status: statusOf({ one: { phase: "Failed" }, two: { phase: "Skipped" } }),
    actions: [{ do: "finish", phase: "Failed" }],
  },
  "all over: cancelled": {
    plan: TWO,
    status: statusOf({ one: { phase: "Succeeded" }, two: { phase: "Cancelled" } }),
    actions: [{ do: "finish", phase: "Cancelled" }],
  },
  "a run that is over stays so": { status: statusOf({ one: {} }, { phase: "Failed" }), actions: [] },
};

describe("decide()", () => {
  test.for(Object.entries(CASES))("%s", ([, { plan = ONE, status, seen = {}, now = NOW, actions }]) => {
    expect(decide(plan, status, seen, now)).toEqual(actions);
  });

  test("nextWake() is the nearest backoff and never negative", () => {
    expect(
      nextWake(
        statusOf({ one: { phase: "Backoff", notBefore: NOW + 7 }, two: { phase: "Backoff", notBefore: NOW + 9 } }),
        NOW,
      ),
    ).toBe(7);
    expect(nextWake(statusOf({ one: { phase: "Backoff", notBefore: NOW - 7 } }), NOW)).toBe(0);
    expect(nextWake(statusOf({ one: {} }), NOW)).toBeUndefined();
  });
});
