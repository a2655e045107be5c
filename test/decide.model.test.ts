/** decide() against a world that does what it likes: fates, deafness, kills, cancels and a clock that jumps. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { absorb, advance, type Report } from "../orchestrator/engine/advance.ts";
import { decide, type Action, type Seen } from "../orchestrator/engine/decide.ts";
import { isLive, isOver, liveAttempts } from "../orchestrator/engine/phases.ts";
import type { RunStatus } from "../orchestrator/engine/run-state.ts";
import type { Plan } from "../orchestrator/plan/plan.ts";
import type { Observation } from "../orchestrator/spark-app.ts";
import { planWith, statusOf, stepOf } from "./stand-in/plan.ts";

/** What happens in one turn of the loop, beside what decide asks for. */
interface Turn {
  /** Milliseconds by which the clock moves; negative when it is set back. */
  clock: number;
  /** What becomes of the applications that live: one step on, or an end. */
  fate: "on" | "well" | "badly" | "memory" | "config" | "vanish" | "stay";
  /** The backend shows nothing although the applications are there. */
  isBlind: boolean;
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
    clock: fc.oneof(
      { weight: 5, arbitrary: fc.integer({ min: 0, max: 2000 }) },
      fc.integer({ min: -7_200_000, max: 0 }),
      fc.integer({ min: 0, max: 200_000 }),
    ),
    fate: fc.constantFrom("on", "on", "on", "well", "well", "badly", "memory", "config", "vanish", "stay"),
    isBlind: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
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

  seen({ isDeaf, isBlind }: Turn): Seen {
    const names = Object.values(this.status().steps).flatMap((step) =>
      step.attempts.filter(isLive).map((one) => one.application),
    );
    return isDeaf
      ? {}
      : Object.fromEntries(names.map((name) => [name, isBlind ? null : (this.apps.get(name) ?? null)]));
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
    if (turn.isDeaf)
      return {
        report: "unsubmitted",
        step: action.step,
        attempt: action.attempt,
        failure: { class: "SubmissionFailed", cause: "c", evidence: [] },
      };
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
    const running = attempts.filter(
      ({ application }) => world.apps.has(application) && world.apps.get(application)?.phase !== "Ended",
    );
    if (running.length > 1) throw broken(`two live applications of ${step.name}`);
  }
}

describe("decide(), whatever happens", () => {
  test.for(["stay", "on", "well", "badly"] as const)(
    "a run ends, with one live attempt per step and no attempt too many; in the end applications fare %s",
    (lastFate) => {
      fc.assert(
        fc.property(turns, (script) => {
          let status = statusOf(Object.fromEntries(DIAMOND.steps.map((step) => [step.name, {}])));
          const world = new World(() => status);
          // After the script the world is calm: seconds pass, the backend answers.
          const calm: Turn = {
            clock: 7000,
            fate: lastFate,
            isBlind: false,
            isDeaf: false,
            isKilled: false,
            isRefused: false,
            isCancelled: false,
          };
          for (let turn = 0; status.phase === "Running"; turn++) {
            if (turn > 2000) throw new Error(`the run does not end: ${JSON.stringify(status)}`);
            const event = script[turn] ?? calm;
            world.now += event.clock;
            world.befall(event.fate);
            if (event.isCancelled) status = absorb(status, { report: "cancelRequested" }, world.now);
            const actions = decide(DIAMOND, status, world.seen(event), world.now);
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
    },
  );
});
