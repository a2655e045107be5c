import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { absorb, advance, type Report } from "../orchestrator/engine/advance.ts";
import { decide, nextWake, type Action, type Seen } from "../orchestrator/engine/decide.ts";
import { isLive, isOver, liveAttempts } from "../orchestrator/engine/phases.ts";
import type { AttemptStatus, RunStatus, StepStatus } from "../orchestrator/engine/run-state.ts";
import type { Plan } from "../orchestrator/plan/plan.ts";
import type { Observation } from "../orchestrator/spark-app.ts";
import { planWith, stepOf } from "./stand-in/plan.ts";

const NOW = 1_000_000;
const ONE = planWith([stepOf("one")]);
const TWO = planWith([stepOf("one"), stepOf("two", { reads: { one: "one" } })]);

function statusOf(steps: Record<string, Partial<StepStatus>>, change: Partial<RunStatus> = {}): RunStatus {
  const full = Object.entries(steps).map(([name, step]) => [name, { phase: "Waiting", attempts: [], ...step } as const]);
  return { phase: "Running", startedAt: 0, revision: 1, pinned: {}, code: {}, steps: Object.fromEntries(full), ...change };
}

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
  "a step with inputs is submitted": { status: statusOf({ one: ready }), actions: [{ do: "submit", step: "one", attempt: 1, memoryFactor: 1 }] },
  "a step waits for what it needs": { plan: TWO, status: statusOf({ one: { phase: "Running", attempts: [attempt()] }, two: {} }), actions: [] },
  "what is cached is done": { plan: TWO, status: statusOf({ one: { phase: "Cached" }, two: {} }), actions: [{ do: "prepare", step: "two" }] },
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
  "what could not be asked about is no evidence": { status: statusOf({ one: { phase: "Running", attempts: [attempt()] } }), actions: [] },
  "what vanished is removed": {
    status: statusOf({ one: { phase: "Running", attempts: [attempt()] } }),
    seen: { app: null },
    actions: [expect.objectContaining({ do: "remove", failure: expect.objectContaining({ class: "StatusLost" }) })],
  },
  "a sight of an earlier phase is stale": { status: statusOf({ one: { phase: "Running", attempts: [attempt()] } }), seen: { app: { phase: "Pending" } }, actions: [] },
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
    status: statusOf({ one: { ...ready, phase: "Running", attempts: [failed("ApplicationError"), failed("ApplicationError", 2)] } }),
    actions: [expect.objectContaining({ do: "conclude", phase: "Failed" })],
  },
  "attempts before a retry do not count": {
    status: statusOf({ one: { ...ready, phase: "Running", earlierAttempts: 1, attempts: [failed("ApplicationError"), failed("ApplicationError", 2)] } }),
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
  "a backoff is waited for": { status: statusOf({ one: { ...ready, phase: "Backoff", notBefore: NOW + 10, attempts: [failed("ApplicationError")] } }), actions: [] },
  "a clock set back begins the backoff anew": {
    status: statusOf({ one: { ...ready, phase: "Backoff", notBefore: NOW + 3_600_000, attempts: [failed("ApplicationError")] } }),
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
    actions: [expect.objectContaining({ do: "remove", failure: expect.objectContaining({ class: "DeadlineExceeded" }) })],
  },
  "a removal is asked for until it is done": {
    status: statusOf({ one: { phase: "Running", attempts: [attempt({ failure: { class: "Cancelled", cause: "c", evidence: [] } })] } }),
    seen: { app: { phase: "Running" } },
    actions: [expect.objectContaining({ do: "remove" })],
  },
  "cancel removes what runs and drops what waits": {
    plan: TWO,
    status: statusOf({ one: { phase: "Running", attempts: [attempt()] }, two: {} }, { cancelRequested: true }),
    seen: { app: { phase: "Running" } },
    actions: [expect.objectContaining({ do: "remove" }), expect.objectContaining({ do: "conclude", phase: "Cancelled" })],
  },
  "cancel lets a publication end": { status: statusOf({ one: { phase: "Publishing" } }, { cancelRequested: true }), actions: [{ do: "publish", step: "one" }] },
  "the target's parallelism is kept": {
    plan: planWith([stepOf("one"), stepOf("two"), stepOf("three")]),
    status: statusOf({ one: ready, two: ready, three: ready }),
    actions: [expect.objectContaining({ do: "submit", step: "one" }), expect.objectContaining({ do: "submit", step: "two" }), { do: "queue", step: "three", readyAt: NOW }],
  },
  "waiting for a place has a deadline": {
    plan: planWith([stepOf("one"), stepOf("two")], { parallelism: 1 }),
    status: statusOf({ one: { phase: "Running", attempts: [attempt()] }, two: { ...ready, readyAt: NOW - 60_000 } }),
    actions: [expect.objectContaining({ do: "conclude", step: "two", phase: "Failed" })],
  },
  "all over: succeeded": { plan: TWO, status: statusOf({ one: { phase: "Succeeded" }, two: { phase: "Cached" } }), actions: [{ do: "finish", phase: "Succeeded" }] },
  "all over: failed": { plan: TWO, status: statusOf({ one: { phase: "Failed" }, two: { phase: "Skipped" } }), actions: [{ do: "finish", phase: "Failed" }] },
  "all over: cancelled": { plan: TWO, status: statusOf({ one: { phase: "Succeeded" }, two: { phase: "Cancelled" } }), actions: [{ do: "finish", phase: "Cancelled" }] },
  "a run that is over stays so": { status: statusOf({ one: {} }, { phase: "Failed" }), actions: [] },
};

describe("decide()", () => {
  test.for(Object.entries(CASES))("%s", ([, { plan = ONE, status, seen = {}, now = NOW, actions }]) => {
    expect(decide(plan, status, seen, now)).toEqual(actions);
  });

  test("nextWake() is the nearest backoff and never negative", () => {
    expect(nextWake(statusOf({ one: { phase: "Backoff", notBefore: NOW + 7 }, two: { phase: "Backoff", notBefore: NOW + 9 } }), NOW)).toBe(7);
    expect(nextWake(statusOf({ one: { phase: "Backoff", notBefore: NOW - 7 } }), NOW)).toBe(0);
    expect(nextWake(statusOf({ one: {} }), NOW)).toBeUndefined();
  });
});

/** What happens in one turn of the loop, beside what decide asks for. */
interface Turn {
  /** Milliseconds by which the clock moves; negative when it is set back. */
  clock: number;
  /** What becomes of the applications that live: one step on, or an end. */
  fate: "on" | "well" | "badly" | "memory" | "config" | "vanish" | "stay";
  /** The backend does not answer. */
  isDeaf: boolean;
  /** The process is killed after it acted and before it wrote again. */
  isKilled: boolean;
  /** The outputs do not pass. */
  isRefused: boolean;
  isCancelled: boolean;
}

const turns = fc.array(
  fc.record<Turn>({
    clock: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 0, max: 2000 }) }, fc.integer({ min: -7_200_000, max: 0 }), fc.integer({ min: 0, max: 200_000 })),
    fate: fc.constantFrom("on", "on", "on", "well", "well", "badly", "memory", "config", "vanish", "stay"),
    isDeaf: fc.boolean(),
    isKilled: fc.boolean(),
    isRefused: fc.boolean(),
    isCancelled: fc.integer({ min: 0, max: 60 }).map((n) => n === 0),
  }),
  { maxLength: 60 },
);

/** Applications as a backend has them, and how often each was started. */
class World {
  now = 1_000_000_000;
  readonly apps = new Map<string, Observation>();
  readonly startedOnce = new Set<string>();

  private readonly status: () => RunStatus;
  constructor(status: () => RunStatus) {
    this.status = status;
  }

  seen(isDeaf: boolean): Seen {
    const names = Object.values(this.status().steps).flatMap((step) => step.attempts.filter(isLive).map((one) => one.application));
    return isDeaf ? {} : Object.fromEntries(names.map((name) => [name, this.apps.get(name) ?? null]));
  }

  befall(fate: Turn["fate"]): void {
    for (const [name, app] of this.apps) {
      if (app.phase === "Ended") continue;
      const next = { Submitted: "Pending", Pending: "Running", Running: "Running" } as const;
      if (fate === "on") this.apps.set(name, { phase: next[app.phase] });
      if (fate === "well") this.apps.set(name, { phase: "Ended", exitCode: 0 });
      if (fate === "badly") this.apps.set(name, { phase: "Ended", exitCode: 1 });
      if (fate === "memory") this.apps.set(name, { phase: "Ended", exitCode: 52 });
      if (fate === "config") this.apps.set(name, { phase: "Ended", exitCode: 2 });
      if (fate === "vanish") this.apps.delete(name);
    }
  }

  act(action: Action, turn: Turn): Report | undefined {
    const { status } = this;
    if (action.do === "prepare") return { report: "prepared", step: action.step, inputs: {}, cacheKey: "k" };
    if (action.do === "publish") {
      return turn.isRefused
        ? { report: "refused", step: action.step, failure: { class: "OutputMissing", cause: "c", evidence: [] } }
        : { report: "published", step: action.step, outputs: {}, unpublished: {} };
    }
    if (action.do !== "submit" && action.do !== "remove") return undefined;
    const name = status().steps[action.step]?.attempts.find((one) => one.number === action.attempt)?.application ?? "";
    if (action.do === "remove") {
      if (turn.isDeaf) return undefined;
      this.apps.delete(name);
      return { report: "removed", step: action.step, attempt: action.attempt };
    }
    if (turn.isDeaf) return { report: "unsubmitted", step: action.step, attempt: action.attempt, failure: { class: "SubmissionFailed", cause: "c", evidence: [] } };
    // Starting it twice is the same as starting it once.
    if (!this.startedOnce.has(name)) this.apps.set(name, { phase: "Submitted" });
    this.startedOnce.add(name);
    return { report: "submitted", step: action.step, attempt: action.attempt };
  }
}

const DIAMOND = planWith([
  stepOf("a", { retry: { attempts: 3, backoffMs: 1000, memoryFactor: 1.5 } }),
  stepOf("b", { reads: { a: "a" } }),
  stepOf("c", { reads: { a: "a" } }),
  stepOf("d", { reads: { b: "b", c: "c" }, retry: { attempts: 1, backoffMs: 10, memoryFactor: 1 } }),
]);

/** What must hold at every moment. Thrown, since `expect` would take most of the time. */
function check(plan: Plan, world: World, status: RunStatus): void {
  const broken = (what: string) => new Error(`${what}: ${JSON.stringify(status.steps)}`);
  if (liveAttempts(status) > plan.target.spec.parallelism) throw broken("more applications than the target allows");
  for (const step of plan.steps) {
    const { attempts } = status.steps[step.name] ?? { attempts: [] };
    if (attempts.filter(isLive).length > 1) throw broken(`two live attempts of ${step.name}`);
    if (attempts.length > step.retry.attempts) throw broken(`too many attempts of ${step.name}`);
    const running = attempts.filter(({ application }) => world.apps.has(application) && world.apps.get(application)?.phase !== "Ended");
    if (running.length > 1) throw broken(`two live applications of ${step.name}`);
  }
}

describe("decide(), whatever happens", () => {
  test.for(["stay", "on", "well", "badly"] as const)("a run ends, with one live attempt per step and no attempt too many; in the end applications fare %s", (lastFate) => {
    fc.assert(
      fc.property(turns, (script) => {
        let status = statusOf(Object.fromEntries(DIAMOND.steps.map((step) => [step.name, {}])));
        const world = new World(() => status);
        // After the script the world is calm: seconds pass, the backend answers.
        const calm: Turn = { clock: 7000, fate: lastFate, isDeaf: false, isKilled: false, isRefused: false, isCancelled: false };
        for (let turn = 0; status.phase === "Running"; turn++) {
          if (turn > 2000) throw new Error(`the run does not end: ${JSON.stringify(status)}`);
          const event = script[turn] ?? calm;
          world.now += event.clock;
          world.befall(event.fate);
          if (event.isCancelled) status = absorb(status, { report: "cancelRequested" }, world.now);
          const actions = decide(DIAMOND, status, world.seen(event.isDeaf), world.now);
          status = actions.reduce((so, action) => advance("run", so, action, world.now), status);
          check(DIAMOND, world, status);
          const written = status;
          const reports = actions.map((action) => world.act(action, event)).filter((report) => report !== undefined);
          status = reports.reduce((so, report) => absorb(so, report, world.now), status);
          check(DIAMOND, world, status);
          if (event.isKilled) status = written;
        }
        expect(Object.values(status.steps).every((step) => isOver(step.phase))).toBe(true);
        expect([...world.apps.values()].filter((app) => app.phase !== "Ended")).toEqual([]);
      }),
      { numRuns: 1500 },
    );
  });
});
