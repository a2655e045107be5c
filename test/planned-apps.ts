/** The applications of the shipped specs, by the whole real path: read, check, plan, and each step as the first attempt of run offers-1. */
import { join } from "node:path";
import { sparkAppOf } from "../orchestrator/plan/app.ts";
import { planOf } from "../orchestrator/plan/plan-of.ts";
import { readSources } from "../orchestrator/spec/files.ts";
import { load } from "../orchestrator/spec/load.ts";
import type { SparkApp } from "../orchestrator/spark-app.ts";

const REPOSITORY = join(import.meta.dirname, "..");

export function plannedApps(target: "laptop" | "cluster", root: string): SparkApp[] {
  const shippedCode = join(REPOSITORY, "spark-jobs");
  const { sources } = readSources([join(REPOSITORY, "job-specs")]);
  const { documents, problems } = load(sources, { shippedCode });
  if (problems.length > 0)
    throw new Error(`The shipped specs have problems: ${JSON.stringify(problems, undefined, 2)}`);
  const plan = planOf(documents, { definition: "Pipeline/offers", target, shippedCode });
  return plan.steps.map((step) =>
    sparkAppOf(plan, step, {
      run: "offers-1",
      attempt: 1,
      memoryFactor: 1,
      prefix: `${root}/runs/offers-1/${step.name}/1`,
      main: `${root}/code/0123abcd/main/${step.main}`,
      archive: `${root}/code/0123abcd/code.zip`,
      codeDigest: "0123abcd",
    }),
  );
}
