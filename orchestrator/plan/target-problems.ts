/** @module What jobs ask of a target that it cannot give: sizes, sources, slots for training processes. */
import { suggestion } from "../nearest.ts";
import type { Problem } from "../problem.ts";
import type { Size } from "../spark-app.ts";
import { type Catalogue, type DocumentOf, type JobDocument, problemIn } from "../spec/document.ts";
import { portsOf } from "../spec/ports.ts";

type TargetDocument = DocumentOf<"Target">;

export function targetProblems(jobs: readonly JobDocument[], catalogue: Catalogue, target: TargetDocument): Problem[] {
  return [
    ...jobs.flatMap((job) => {
      const size = target.spec.sizes[job.spec.size];
      if (size !== undefined) return rankProblems(job, size, target);
      const near = suggestion(job.spec.size, Object.keys(target.spec.sizes));
      return [problemIn(job, ["spec", "size"], `target "${target.name}" has no size "${job.spec.size}"${near}`)];
    }),
    ...sourceProblems(jobs, catalogue, target),
    ...(target.spec.backend === "kubeflow" && target.spec.image === undefined
      ? [
          problemIn(
            target,
            ["spec", "image"],
            'missing field "image": a cluster needs one',
            "name an image by digest, such as registry/name@sha256:…",
          ),
        ]
      : []),
  ];
}

function sourceProblems(jobs: readonly JobDocument[], { datasets }: Catalogue, target: TargetDocument): Problem[] {
  const read = new Set(jobs.flatMap((job) => portsOf(job).inputs.map((port) => port.dataset)));
  return [...datasets.values()].flatMap((dataset) => {
    const { source } = dataset.spec;
    if (source === undefined || !read.has(dataset.name) || Object.hasOwn(target.spec.sources, source)) return [];
    const near = suggestion(source, Object.keys(target.spec.sources));
    return [problemIn(dataset, ["spec", "source"], `target "${target.name}" has no source "${source}"${near}`)];
  });
}

/** Processes that can run at once: on a laptop the driver's cores, on a cluster those of all executors. */
export function slotsOf(size: Size, backend: TargetDocument["spec"]["backend"]): number {
  return backend === "local" ? size.driver.cores : size.executors * size.executor.cores;
}

/** Ranks start together or not at all; Spark would find out only after the application has started. */
function rankProblems(job: JobDocument, size: Size, target: TargetDocument): Problem[] {
  if (job.kind !== "TrainingJob") return [];
  const slots = slotsOf(size, target.spec.backend);
  const problems: Problem[] = [];
  if (slots < job.spec.ranks) {
    const message = `${job.spec.ranks} ranks must run at once, but size "${job.spec.size}" of target "${target.name}" has ${slots} ${slots === 1 ? "slot" : "slots"}`;
    problems.push(problemIn(job, ["spec", "ranks"], message, "lower ranks, or choose a size with more cores"));
  }
  const conf = { ...target.spec.conf, ...size.conf };
  const refused = [
    ["spark.dynamicAllocation.enabled", "executors may leave while ranks wait for each other"],
    ["spark.ssl.enabled", "TorchDistributor refuses it"],
  ] as const;
  for (const [key, why] of refused) {
    if (conf[key] !== "true") continue;
    const message = `${key} is on for size "${job.spec.size}" of target "${target.name}", but a job with ranks cannot use it: ${why}`;
    problems.push(problemIn(job, ["spec", "size"], message));
  }
  return problems;
}
