/** Puts what only a run knows into its plan. */
import { parsePath } from "../spec/path.ts";
import { fillRunParts, setAt } from "../spec/resolve.ts";
import { fill, textOf } from "../spec/template.ts";
import type { Plan, Step } from "./plan.ts";

/**
 * The plan with `${run.id}` and `${run.date}` filled in. Called once, when the run is created.
 * `date` is the day the run began, such as 2017-11-15, in the zone the caller counts days in. Resuming on another day changes nothing.
 */
export function fillRun(plan: Plan, run: string, date: string): Plan {
  return { ...plan, steps: plan.steps.map((step) => fillStep(step, run, date)) };
}

function fillStep(step: Step, run: string, date: string): Step {
  const settings = structuredClone(step.settings);
  const runScoped: Step["runScoped"] = {};
  for (const [path, parts] of Object.entries(step.runScoped)) {
    setAt(settings, parsePath(path) ?? [], textOf(fillRunParts(parts, run, date)));
    runScoped[path] = fill(parts, (reference) => (reference === "run.date" ? date : undefined));
  }
  return { ...step, settings, runScoped };
}
