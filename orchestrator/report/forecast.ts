/** @module `plan`: each step with what would happen to it and why. */
import type { Json } from "../json.ts";
import { API_VERSION } from "../kinds/fields.ts";
import type { Plan } from "../plan/plan.ts";
import type { View } from "./format.ts";
import { percent } from "./measure.ts";
import { paramsText } from "./run.ts";
import { table, type Column } from "./table.ts";
import { counted, type Paint } from "./text.ts";

/** What would happen to a step. */
export interface Expected {
  step: string;
  kind: string;
  /** `blocked`: it could not start, as something it reads is not there. */
  action: "run" | "cached" | "blocked";
  because: string[];
}

/** A step of a sweep may read the rows of dozens of others. */
const MOST_REASONS = 3;

function reasons(because: string[]): string {
  if (because.length <= MOST_REASONS) return because.join("; ");
  const shown = because.slice(0, MOST_REASONS - 1);
  return `${shown.join("; ")}; and ${because.length - shown.length} more of the kind`;
}

/** The table of `plan`, with a line that sums it up. */
export function forecastRows(plan: Plan, steps: Expected[], paint: Paint): View {
  const columns: Column<Expected>[] = [
    { title: "STEP", value: (row) => row.step },
    { title: "KIND", value: (row) => row.kind },
    {
      title: "ACTION",
      value: (row) => row.action,
      tone: (row) => ({ run: "busy" as const, cached: "good" as const, blocked: "bad" as const })[row.action],
    },
    { title: "BECAUSE", value: ({ because }) => reasons(because) },
  ];
  const count = (action: Expected["action"]) => steps.filter((step) => step.action === action).length;
  const blocked = count("blocked") === 0 ? "" : `, ${count("blocked")} blocked`;
  const params = paramsText(plan) === "" ? "" : ` with ${paramsText(plan)}`;
  const sample = plan.sample === null ? "" : `, a sample of ${percent(plan.sample.fraction)}, never published`;
  const summary = `${plan.definition} on ${plan.target.name}${params}${sample}: ${counted(count("run"), "step")} to run, ${count("cached")} cached${blocked}\n`;
  return {
    object: {
      apiVersion: API_VERSION,
      kind: "Plan",
      spec: {
        definition: plan.definition,
        target: plan.target.name,
        params: plan.params,
        sample: plan.sample,
        publish: plan.publish,
      },
      steps: steps as unknown as Json,
    },
    names: steps.map((row) => `step/${row.step}`),
    table: (wide) => `${table(columns, steps, { wide, paint })}\n${summary}`,
  };
}
