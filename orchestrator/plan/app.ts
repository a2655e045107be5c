/** @module A step of a plan, as the Spark application of one attempt. */
import { digest } from "../json.ts";
import { applicationName } from "../names.ts";
import { timesMemory } from "../quantity.ts";
import type { Size, SparkApp } from "../spark-app.ts";
import { RejectedError } from "../errors.ts";
import type { Plan, Step } from "./plan.ts";

export interface AppOptions {
  run: string;
  /** From 1. */
  attempt: number;
  /** Memory of this attempt, times that of the first; above 1 after OutOfMemory. */
  memoryFactor: number;
  /** Place of the attempt's documents, without trailing slash. */
  prefix: string;
  /** Packed main file and archive of modules, absolute paths or URIs. */
  main: string;
  archive: string;
  codeDigest: string;
  runUid?: string;
}

/** The application of an attempt. Equal arguments give an equal application, name and digest included. */
export function sparkAppOf(plan: Plan, step: Step, options: AppOptions): SparkApp {
  const target = plan.target.spec;
  const size = target.sizes[step.size];
  // The plan was checked against this target; only a record edited by hand gets here.
  if (size === undefined)
    throw new RejectedError(`Cannot run step "${step.name}": target "${plan.target.name}" has no size "${step.size}"`);
  const grown = growSize(size, options.memoryFactor);
  const conf = confOf(plan, step, size);
  const { run, attempt, prefix, main, archive } = options;
  const content = {
    kind: step.kind,
    job: step.name,
    code: options.codeDigest,
    main,
    archive,
    prefix,
    size: grown,
    conf,
    ranks: step.ranks,
  };
  const platform = {
    image: target.image ?? null,
    namespace: target.namespace,
    serviceAccount: target.serviceAccount,
    sparkVersion: target.sparkVersion,
    ...(target.backend === "kubeflow" ? { environment: target.environment } : {}),
  };
  return {
    name: applicationName(run, step.name, attempt),
    namespace: target.namespace,
    run,
    step: step.name,
    attempt,
    kind: step.kind,
    job: step.name,
    digest: digest({ ...content, ...platform, settings: step.settings, run, attempt }),
    main,
    archive,
    prefix,
    size: grown,
    conf,
    ranks: step.ranks,
    target,
    ...(options.runUid === undefined ? {} : { runUid: options.runUid }),
  };
}

/** A size with more memory for driver and executors, heap and overhead alike: which of them was too small is rarely known. */
export function growSize(size: Size, factor: number): Size {
  const grow = (pod: Size["driver"]): Size["driver"] => ({
    ...pod,
    memory: timesMemory(pod.memory, factor),
    ...(pod.memoryOverhead === undefined ? {} : { memoryOverhead: timesMemory(pod.memoryOverhead, factor) }),
  });
  return { ...size, driver: grow(size.driver), executor: grow(size.executor) };
}

/** Settings of every application; target and size may change those that are a choice, but not those a result depends on. */
const DEFAULTS: Record<string, string> = {
  // Its bar overwrites lines of the log.
  "spark.ui.showConsoleProgress": "false",
};
const FIXED: Record<string, string> = {
  // Days and hours must not depend on the machine; the jobs convert to the business zone themselves.
  "spark.sql.session.timeZone": "UTC",
  // Parquet written by pandas and Arrow has nanoseconds, which Spark refuses otherwise.
  "spark.sql.legacy.parquet.nanosAsLong": "true",
  // Two copies of a task may both commit their files.
  "spark.speculation": "false",
};

/** Spark settings of a step, sorted by key: product, target, size (later wins), then what must hold whatever they say. */
export function confOf(plan: Plan, step: Step, size: Size): Record<string, string> {
  const target = plan.target.spec;
  const chosen = { ...DEFAULTS, ...(step.ranks > 0 ? barrierDefaults() : {}), ...target.conf, ...size.conf };
  const fixed = { ...FIXED, ...(step.ranks > 0 ? barrierConf(step.ranks, size, target.backend) : {}) };
  return Object.fromEntries(Object.entries({ ...chosen, ...fixed }).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Too few slots are said at once instead of after ten minutes of silence (SPARK-24819). */
function barrierDefaults(): Record<string, string> {
  return {
    "spark.scheduler.barrier.maxConcurrentTasksCheck.interval": "1s",
    "spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures": "1",
  };
}

/** What TorchDistributor needs: all ranks at once on a fixed set of executors, each rank with its share of cores. */
function barrierConf(ranks: number, size: Size, backend: "local" | "kubeflow"): Record<string, string> {
  const isLocal = backend === "local";
  const cores = isLocal ? size.driver.cores : size.executor.cores;
  const ranksPerHost = isLocal ? ranks : Math.ceil(ranks / Math.max(1, size.executors));
  return {
    "spark.dynamicAllocation.enabled": "false",
    // Spark gives a rank as many OpenMP threads as its task has cores.
    "spark.task.cpus": String(Math.max(1, Math.floor(cores / ranksPerHost))),
    // The check above counts executors that are there; wait for all of them first.
    ...(isLocal
      ? {}
      : {
          "spark.scheduler.minRegisteredResourcesRatio": "1.0",
          "spark.scheduler.maxRegisteredResourcesWaitingTime": "600s",
        }),
  };
}
