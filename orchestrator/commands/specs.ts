/** @module Specs as the flags name them: read, checked, and made into a plan. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { machineOf, type Machine } from "../backends/machine.ts";
import { InvalidSpecError, RejectedError } from "../errors.ts";
import type { Target } from "../kinds/target.ts";
import { planOf, type PlanOptions } from "../plan/plan-of.ts";
import type { Plan } from "../plan/plan.ts";
import type { Problem } from "../problem.ts";
import { shippedCode } from "../spec/code-folder.ts";
import { catalogueOf, type Document } from "../spec/document.ts";
import { fileExists, readSources } from "../spec/files.ts";
import { load } from "../spec/load.ts";
import { paramsOf, type SpecFlags } from "./flags.ts";
import type { Terminal } from "./terminal.ts";

const DEFAULT_FOLDER = "job-specs";
const DEFAULT_TARGET = "laptop";

export interface CheckedSpecs {
  documents: Document[];
  files: number;
  problems: Problem[];
}

/** Reads and checks everything that `-f` names, `job-specs` without it. Raises RejectedError when there is neither. */
export function checkSpecs({ file }: SpecFlags, { cwd }: Terminal): CheckedSpecs {
  if (file === undefined && !existsSync(join(cwd, DEFAULT_FOLDER))) {
    throw new RejectedError(`Cannot find any specs: there is no folder ${DEFAULT_FOLDER} here and no -f was given`, {
      remedy: "Name files with -f, or let `sparkwright init` write a small project",
    });
  }
  const { sources, problems } = readSources(file ?? [DEFAULT_FOLDER], cwd);
  const loaded = load(sources, { shippedCode: jobsFolder(), exists: fileExists });
  return { documents: loaded.documents, files: sources.length, problems: [...problems, ...loaded.problems] };
}

/** The documents that `-f` names. Raises InvalidSpecError with every problem. */
export function readSpecs(flags: SpecFlags, terminal: Terminal): Document[] {
  const { documents, problems } = checkSpecs(flags, terminal);
  if (problems.length > 0) throw new InvalidSpecError(problems);
  return documents;
}

/** The plan that the flags ask for. Raises as `readSpecs` and `planOf` do. */
export function planFrom(
  documents: Document[],
  flags: SpecFlags,
  more: Omit<PlanOptions, "shippedCode" | "target" | "params">,
): Plan {
  const target = flags.target ?? defaultTarget(documents);
  return planOf(documents, {
    ...more,
    ...(target === undefined ? {} : { target }),
    params: paramsOf(flags.param),
    shippedCode: jobsFolder(),
  });
}

/** `laptop` when there are several targets and one is called so. */
export function defaultTarget(documents: Document[]): string | undefined {
  const { targets } = catalogueOf(documents);
  return targets.size > 1 && targets.has(DEFAULT_TARGET) ? DEFAULT_TARGET : undefined;
}

/** What this machine offers to jobs of a target; those of a cluster need neither Spark nor packages here. */
export function machineFor(target: Target): Machine {
  const machine = machineOf(target, dirname(jobsFolder()));
  if (target.backend === "local") return machine;
  return { ...machine, environment: async () => target.image ?? "", check: async () => undefined };
}

/** Absolute folder of the jobs that come with the product. */
export function jobsFolder(): string {
  const folder = shippedCode(import.meta.dirname);
  if (folder === undefined) {
    throw new RejectedError(
      `Cannot find the jobs shipped with Sparkwright: there is no folder spark-jobs above ${import.meta.dirname}`,
      {
        remedy: "Keep dist/cli.cjs in its checkout, and link to it instead of copying it",
      },
    );
  }
  return folder;
}
