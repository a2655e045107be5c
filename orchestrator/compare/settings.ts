/** @module What two plans say differently: settings of steps as their specs have them, declared datasets, the target. */
import { type Difference, differences } from "../differences.ts";
import type { Json } from "../json.ts";
import { confOf } from "../plan/app.ts";
import type { Plan, Step } from "../plan/plan.ts";
import { parsePath, pathText } from "../spec/path.ts";
import { setAt } from "../spec/resolve.ts";
import { textOf } from "../spec/template.ts";

/** A place with its value in either run; a side without it is absent. */
export interface SettingDifference {
  /** Absent: of the whole run. */
  step?: string;
  /** As in a spec: `windows.recent`, `size.driver.memory`, `target.image`. */
  path: string;
  a?: Json;
  b?: Json;
}

/** Parameters with other values, and those that only one run has. */
export function paramDifferences(a: Plan, b: Plan): SettingDifference[] {
  return differences(a.params, b.params).map(({ path, ...sides }) => ({ path: String(path[0]), ...sides }));
}

/** Of the run first, then step by step; steps that only one plan has are left out. */
export function settingDifferences(a: Plan, b: Plan): SettingDifference[] {
  const steps = a.steps.flatMap((mine) => {
    const other = b.steps.find(({ name }) => name === mine.name);
    if (other === undefined) return [];
    const found = [
      ...differences(stepDocument(mine, b), stepDocument(other, a)),
      ...differences(sizeDocument(a, mine), sizeDocument(b, other), ["size"]),
    ];
    return found.map((one) => ({ step: mine.name, ...written(one) }));
  });
  return [...differences(runDocument(a, b), runDocument(b, a)).map(written), ...steps];
}

function written({ path, ...sides }: Difference): Omit<SettingDifference, "step"> {
  return { path: pathText(path), ...sides };
}

/** Where a run works and what its datasets are declared to be. Sizes are told with the steps that use them. */
function runDocument(plan: Plan, other: Plan): Json {
  const { description: _, sizes: _sizes, ...target } = plan.target.spec;
  const shared = new Set(other.steps.flatMap(portsOf).map(({ dataset }) => dataset));
  const datasets = plan.steps
    .flatMap(portsOf)
    .filter(({ dataset }) => shared.has(dataset))
    .map(({ dataset, step: _step, ...shape }) => [dataset, shape] as const);
  return plain({
    sample: plan.sample,
    publish: plan.publish,
    target,
    datasets: Object.fromEntries(datasets),
  });
}

/** Outputs first: where data lies is said by the inputs. */
function portsOf({ inputs, outputs }: Step) {
  return [...Object.values(outputs), ...Object.values(inputs)].map((port): Step["inputs"][string] => port);
}

function stepDocument(step: Step, elsewhere: Plan): Json {
  const { kind, main, cache, retry, deadlines, inputs, outputs, size } = step;
  const settings = structuredClone(step.settings);
  // The run's name differs between any two runs and changes no result.
  for (const [path, parts] of Object.entries(step.runScoped)) setAt(settings, parsePath(path) ?? [], textOf(parts));
  return plain({
    ...settings,
    kind,
    main,
    // That a run has fewer steps is told with the steps.
    needs: step.needs.filter((name) => elsewhere.steps.some((one) => one.name === name)),
    cache,
    retry,
    deadlines,
    size,
    inputs: namesOf(inputs),
    outputs: namesOf(outputs),
  });
}

/** What the size of a step is on the target of its run, with the Spark settings that are not those of the whole target. */
function sizeDocument(plan: Plan, step: Step): Json {
  const { sizes, conf: ofTarget } = plan.target.spec;
  const size = sizes[step.size];
  if (size === undefined) return {};
  const own = Object.entries(confOf(plan, step, size)).filter(([key, value]) => ofTarget[key] !== value);
  return plain({ ...size, conf: Object.fromEntries(own) });
}

function namesOf(ports: Record<string, { dataset: string }>): Record<string, string> {
  return Object.fromEntries(Object.entries(ports).map(([role, { dataset }]) => [role, dataset]));
}

function plain(value: object): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}
