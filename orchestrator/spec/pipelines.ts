/** @module What must hold within each pipeline: its jobs exist, every dataset read has one writer or comes from outside, and nothing waits for itself. */
import { suggestion } from "../nearest.ts";
import type { Problem } from "../problem.ts";
import { type Catalogue, type DocumentOf, type JobDocument, problemIn } from "./document.ts";
import { cycleIn, needsOf, writersOf } from "./graph.ts";
import { portsOf } from "./ports.ts";

type PipelineDocument = DocumentOf<"Pipeline">;

export function checkPipelines(catalogue: Catalogue): Problem[] {
  return [...catalogue.pipelines.values()].flatMap((pipeline) => pipelineProblems(pipeline, catalogue));
}

export function pipelineProblems(pipeline: PipelineDocument, catalogue: Catalogue): Problem[] {
  const jobs = jobsOf(pipeline, catalogue);
  return [
    ...listed(pipeline, catalogue),
    ...unwritten(pipeline, jobs, catalogue),
    ...twiceWritten(pipeline, jobs),
    ...circle(pipeline, jobs),
    ...published(pipeline, jobs, catalogue),
    ...paramTypes(pipeline, jobs),
  ];
}

/** The job documents of a pipeline in its order; unknown ones are left out. */
export function jobsOf(pipeline: PipelineDocument, { jobs }: Catalogue): JobDocument[] {
  const names = new Set(pipeline.spec.jobs.map((entry) => entry.job));
  return [...names].flatMap((name) => jobs.get(name) ?? []);
}

/** Job → jobs it is told to wait for. */
export function afterOf(pipeline: PipelineDocument): Map<string, string[]> {
  return new Map(pipeline.spec.jobs.map((entry) => [entry.job, entry.after]));
}

function listed(pipeline: PipelineDocument, { jobs }: Catalogue): Problem[] {
  const names = pipeline.spec.jobs.map((entry) => entry.job);
  return pipeline.spec.jobs.flatMap(({ job, after }, index) => {
    const problems: Problem[] = [];
    const path = ["spec", "jobs", index];
    if (!jobs.has(job))
      problems.push(problemIn(pipeline, [...path, "job"], `unknown job "${job}"${suggestion(job, jobs.keys())}`));
    if (names.indexOf(job) < index)
      problems.push(problemIn(pipeline, [...path, "job"], `job "${job}" is listed twice`));
    for (const [place, other] of after.entries()) {
      if (names.includes(other)) continue;
      problems.push(
        problemIn(
          pipeline,
          [...path, "after", place],
          `job "${other}" is not in this pipeline${suggestion(other, names)}`,
        ),
      );
    }
    return problems;
  });
}

function unwritten(pipeline: PipelineDocument, jobs: JobDocument[], { datasets }: Catalogue): Problem[] {
  const writers = writersOf(jobs);
  return jobs.flatMap((job) =>
    portsOf(job)
      .inputs.filter(({ dataset }) => {
        const known = datasets.get(dataset);
        return known !== undefined && known.spec.source === undefined && !writers.has(dataset);
      })
      .map(({ role, dataset }) => {
        const message = `nobody writes dataset "${dataset}": no job of pipeline "${pipeline.name}" does, and it has no source`;
        return problemIn(
          job,
          ["spec", "inputs", role],
          message,
          "add the job that writes it to the pipeline, or give the dataset source and path",
        );
      }),
  );
}

function twiceWritten(pipeline: PipelineDocument, jobs: JobDocument[]): Problem[] {
  return [...writersOf(jobs)].flatMap(([dataset, [first, ...others]]) =>
    jobs
      .filter((job) => job.name !== first && others.includes(job.name))
      .map((job) => {
        const role = portsOf(job).outputs.find((port) => port.dataset === dataset)?.role ?? "";
        const message = `two writers of dataset "${dataset}" in pipeline "${pipeline.name}": "${first}" and "${job.name}"`;
        return problemIn(job, ["spec", "outputs", role], message, "let one of them write another dataset");
      }),
  );
}

function circle(pipeline: PipelineDocument, jobs: JobDocument[]): Problem[] {
  const cycle = cycleIn(needsOf(jobs, afterOf(pipeline)));
  if (cycle === undefined) return [];
  const index = pipeline.spec.jobs.findIndex((entry) => entry.job === cycle[0]);
  const message = `jobs wait for each other in a cycle: ${cycle.join(" -> ")}`;
  return [
    problemIn(pipeline, ["spec", "jobs", index, "job"], message, "let one of them read or wait for something else"),
  ];
}

function published(pipeline: PipelineDocument, jobs: JobDocument[], { datasets }: Catalogue): Problem[] {
  const writers = writersOf(jobs);
  return pipeline.spec.publish.flatMap((dataset, index) => {
    if (writers.has(dataset)) return [];
    const why = datasets.has(dataset)
      ? `no job of this pipeline writes dataset "${dataset}"`
      : `unknown dataset "${dataset}"`;
    return [problemIn(pipeline, ["spec", "publish", index], `${why}${suggestion(dataset, writers.keys())}`)];
  });
}

/** A pipeline's parameter stands in for the job's of the same name, so they must be of one type. */
function paramTypes(pipeline: PipelineDocument, jobs: JobDocument[]): Problem[] {
  return Object.entries(pipeline.spec.params).flatMap(([name, param]) =>
    jobs
      .filter((job) => job.spec.params[name] !== undefined && job.spec.params[name].type !== param.type)
      .map((job) => {
        const message = `parameter "${name}" is of type ${param.type} here, but ${job.spec.params[name]?.type} in job "${job.name}"`;
        return problemIn(pipeline, ["spec", "params", name], message, "give both the same type", "key");
      }),
  );
}
