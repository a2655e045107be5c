/** @module Documents → plan: what runs, in which order, with which values. Pure. */
import { InvalidSpecError, RejectedError } from "../errors.ts";
import { suggestion } from "../nearest.ts";
import type { Problem } from "../problem.ts";
import {
  type Catalogue,
  catalogueOf,
  type Document,
  type DocumentOf,
  type JobDocument,
  problemIn,
} from "../spec/document.ts";
import { needsOf, writersOf } from "../spec/graph.ts";
import { sorted } from "../spec/load.ts";
import { paramValues } from "../spec/params.ts";
import { afterOf, jobsOf, pipelineProblems } from "../spec/pipelines.ts";
import { checkReferences } from "../spec/references.ts";
import { resolve } from "../spec/resolve.ts";
import { inOrder } from "./order.ts";
import type { Plan, Step } from "./plan.ts";
import type { Sample } from "./sample.ts";
import { type Definition, definitionOf, targetOf } from "./select.ts";
import { stepOf } from "./step.ts";
import { withSweep } from "./sweep.ts";
import { targetProblems } from "./target-problems.ts";

export interface PlanOptions {
  /** Name of a pipeline or job, or `Kind/name`. Default: the only pipeline, else the only job. */
  definition?: string;
  /** Name of a target. Default: the only one. */
  target?: string;
  /** Values of `--param`. */
  params?: Record<string, string>;
  /** Steps to keep; what they read from others comes from published versions, or from the run of `fromRun`. */
  only?: readonly string[];
  /** Run whose outputs stand for the steps left out; recorded with the run, not in the plan. */
  fromRun?: string;
  sample?: Sample | null;
  /** Absolute folder of the jobs shipped with the product. */
  shippedCode: string;
}

/**
 * The plan of a pipeline or a single job. Throws RejectedError when the request cannot be met (a name nobody knows), InvalidSpecError with every
 * problem when parameters or specs are wrong for this target.
 */
export function planOf(documents: readonly Document[], options: PlanOptions): Plan {
  const all = catalogueOf(documents);
  const definition = definitionOf(all, options.definition);
  const target = targetOf(all, options.target);
  if (options.fromRun !== undefined && options.only === undefined) {
    throw new RejectedError(`Cannot take outputs of run "${options.fromRun}": no step is left out`, {
      remedy: "name the steps to run with --only",
    });
  }
  const jobs = definition.kind === "Pipeline" ? jobsOf(definition, all) : [definition];
  const params = paramsOf(definition, jobs, options.params ?? {});
  const resolved = jobs.map((job) => resolveJob(job, definition, params.values));
  const problems = [...params.problems, ...resolved.flatMap((result) => result.problems)];
  const catalogue = {
    ...all,
    jobs: new Map([...all.jobs, ...resolved.map(({ job }) => [job.name, job] as const)]),
    targets: new Map([[target.name, target]]),
  };
  const ready = resolved.map((result) => result.job);
  if (problems.length === 0) problems.push(...checkAgain(definition, ready, catalogue, target, options));
  if (problems.length > 0) {
    const files = documents.map((document) => document.file);
    throw new InvalidSpecError(sorted(problems, files));
  }
  return build(definition, resolved, catalogue, target, params.values, options);
}

interface ResolvedJob {
  job: JobDocument;
  runScoped: Step["runScoped"];
  problems: Problem[];
}

function build(
  definition: Definition,
  resolved: ResolvedJob[],
  catalogue: Catalogue,
  target: DocumentOf<"Target">,
  params: Record<string, string>,
  options: PlanOptions,
): Plan {
  const jobs = resolved.map((result) => result.job);
  const needs = needsOf(jobs, definition.kind === "Pipeline" ? afterOf(definition) : new Map());
  const kept = keep(jobs, options.only);
  const writers = new Map(
    [...writersOf(jobs.filter((job) => kept.has(job.name)))].map(([dataset, [first]]) => [dataset, first ?? ""]),
  );
  const byName = new Map(resolved.map((result) => [result.job.name, result]));
  const steps = inOrder(needs).flatMap((name) => {
    const result = byName.get(name);
    if (result === undefined || !kept.has(name)) return [];
    const wanted = needs.get(name) ?? new Set<string>();
    const stepNeeds = jobs.map((job) => job.name).filter((other) => wanted.has(other) && kept.has(other));
    const { shippedCode } = options;
    const { job, runScoped } = result;
    const step = stepOf(job, catalogue, { needs: stepNeeds, writers, target, shippedCode, runScoped });
    return job.kind === "TrainingJob" ? withSweep(step, job, shippedCode) : [step];
  });
  const own = steps.filter((step) => step.sweepOf === undefined);
  const written = new Set(own.flatMap((step) => Object.values(step.outputs).map((output) => output.dataset)));
  const wanted =
    definition.kind === "Pipeline" && definition.spec.publish.length > 0 ? definition.spec.publish : [...written];
  return {
    definition: definition.name,
    params,
    target: { name: target.name, spec: target.spec },
    steps,
    publish: wanted.filter((dataset) => written.has(dataset)),
    sample: options.sample ?? null,
  };
}

function keep(jobs: JobDocument[], only: readonly string[] | undefined): Set<string> {
  const names = jobs.map((job) => job.name);
  if (only === undefined) return new Set(names);
  for (const name of only) {
    if (!names.includes(name))
      throw new RejectedError(`Cannot run only "${name}": no such step${suggestion(name, names)}`);
  }
  if (only.length === 0)
    throw new RejectedError("Cannot run no step at all", { remedy: "name steps: --only STEP,STEP" });
  return new Set(only);
}

/** Values of the definition's parameters. A parameter of one of a pipeline's jobs can be given only when the pipeline declares it too. */
function paramsOf(
  definition: Definition,
  jobs: JobDocument[],
  given: Record<string, string>,
): { values: Record<string, string>; problems: Problem[] } {
  const { values, findings } = paramValues(definition.spec.params, given);
  const problems = findings.map((finding): Problem => {
    if (finding.in === "declared")
      return problemIn(definition, ["spec", "params", finding.param], finding.message, finding.remedy, "key");
    const isUnknown = !Object.hasOwn(definition.spec.params, finding.param);
    const owner = isUnknown
      ? jobs.find((job) => job !== definition && Object.hasOwn(job.spec.params, finding.param))
      : undefined;
    const remedy =
      owner === undefined
        ? {}
        : { remedy: `job "${owner.name}" declares it; declare it in the pipeline as well to set it` };
    return { file: "--param", line: 0, column: 0, path: finding.param, message: finding.message, ...remedy };
  });
  return { values, problems };
}

/** A job's spec with the values of the definition; its own defaults where the definition has no such parameter. */
function resolveJob(job: JobDocument, definition: Definition, values: Record<string, string>): ResolvedJob {
  const declared = job.spec.params;
  const given = Object.fromEntries(Object.entries(values).filter(([name]) => Object.hasOwn(declared, name)));
  const own = paramValues(declared, given);
  // What the definition declares and has no value for is told there.
  const missing = own.findings.filter(
    ({ param }) => Object.hasOwn(given, param) || !Object.hasOwn(definition.spec.params, param),
  );
  const problems = missing.map(({ param, message, remedy }) =>
    problemIn(job, ["spec", "params", param], message, remedy, "key"),
  );
  const { spec, open, runScoped, problems: inSpec } = resolve(job, own.values);
  if (spec === undefined) return { job, runScoped, problems: [...problems, ...inSpec] };
  // `resolve` checked it against the schema of this job's kind.
  return { job: { ...job, spec, open } as JobDocument, runScoped, problems };
}

/** Parameters may name datasets, rules and sizes: what `load` checked with defaults is checked again with the values of this plan. */
function checkAgain(
  definition: Definition,
  jobs: JobDocument[],
  catalogue: Catalogue,
  target: DocumentOf<"Target">,
  options: PlanOptions,
): Problem[] {
  const used = [...jobs, ...catalogue.datasets.values()].filter(
    (document) => document.kind !== "Dataset" || isUsed(document.name, jobs),
  );
  return [
    ...targetProblems(jobs, catalogue, target),
    ...checkReferences(used, { ...catalogue, targets: new Map() }, { shippedCode: options.shippedCode }),
    ...(definition.kind === "Pipeline" ? pipelineProblems(definition, catalogue) : []),
  ];
}

function isUsed(dataset: string, jobs: JobDocument[]): boolean {
  return jobs.some((job) => [...Object.values(job.spec.inputs), ...Object.values(job.spec.outputs)].includes(dataset));
}
