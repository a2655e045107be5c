/** @module What differs between two runs, and what came of it. */
import type { RunStatus } from "../engine/run-state.ts";
import type { Plan } from "../plan/plan.ts";
import { compareCode, type CodeCompared, type StepCode } from "./code.ts";
import { compareData, type DataCompared, type DataVersion } from "./data.ts";
import { compareMetrics, type MetricDifference } from "./metrics.ts";
import { paramDifferences, settingDifferences, type SettingDifference } from "./settings.ts";

/** All that is compared of one run. */
export interface RunFacts {
  name: string;
  plan: Plan;
  status?: RunStatus;
  /** Code by step; only of those whose digest differs in the other run is more than the digest needed. */
  code: Record<string, StepCode>;
  /** Dataset to version. */
  data: Record<string, DataVersion>;
  /** Metrics by step, those of the attempt it came from for a cached one; a step without a commit is absent. */
  metrics: Record<string, Record<string, number>>;
}

export interface StepCompared {
  name: string;
  in: "a" | "b" | "both";
  /** Absent where one run has no result of the step, or not the step. */
  metrics?: MetricDifference[];
  /** Steps of both runs of which only one has a result. */
  resultOnlyIn?: "a" | "b";
}

export interface Comparison {
  /** Whether anything differs but when the runs were made, how long they took, and what came from the cache. */
  differs: boolean;
  samePipeline: boolean;
  params: SettingDifference[];
  settings: SettingDifference[];
  code: CodeCompared;
  data: DataCompared[];
  /** In the order of A, then those that only B has. */
  steps: StepCompared[];
}

export function compareRuns(a: RunFacts, b: RunFacts): Comparison {
  const compared = {
    samePipeline: a.plan.definition === b.plan.definition,
    params: paramDifferences(a.plan, b.plan),
    settings: settingDifferences(a.plan, b.plan),
    code: compareCode(a.code, b.code, { a: a.name, b: b.name }),
    data: compareData(a.data, b.data),
    steps: stepNames(a.plan, b.plan).map((name) => compareStep(name, a, b)),
  };
  return { differs: isDifferent(a, b, compared), ...compared };
}

function stepNames(a: Plan, b: Plan): string[] {
  return [...new Set([...a.steps, ...b.steps].map(({ name }) => name))];
}

function compareStep(name: string, a: RunFacts, b: RunFacts): StepCompared {
  const has = ({ plan }: RunFacts) => plan.steps.some((step) => step.name === name);
  if (!has(a) || !has(b)) return { name, in: has(a) ? "a" : "b" };
  const [mine, other] = [a.metrics[name], b.metrics[name]];
  if (mine === undefined && other === undefined) return { name, in: "both" };
  if (mine === undefined || other === undefined)
    return { name, in: "both", resultOnlyIn: mine === undefined ? "b" : "a" };
  return { name, in: "both", metrics: compareMetrics(mine, other) };
}

type Parts = Omit<Comparison, "differs">;

function isDifferent(a: RunFacts, b: RunFacts, { samePipeline, params, settings, code, data, steps }: Parts): boolean {
  return (
    !samePipeline ||
    a.plan.target.name !== b.plan.target.name ||
    a.status?.phase !== b.status?.phase ||
    params.length + settings.length + code.steps.length > 0 ||
    data.some(({ same }) => !same) ||
    steps.some(
      (step) =>
        step.in !== "both" || step.resultOnlyIn !== undefined || step.metrics?.some(({ same }) => !same) === true,
    )
  );
}
