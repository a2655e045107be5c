/** What a plan is: the steps of a run in order, each with all that is needed to run it. Pure data. */
import type { Json } from "../json.ts";
import type { DatasetCheck } from "../kinds/dataset-check.ts";
import type { JobKindName } from "../kinds/index.ts";
import type { Target } from "../kinds/target.ts";

export type { JobKindName };

/** Shape of a dataset as its document declares it. */
export interface DatasetShape {
  dataset: string;
  format: "parquet" | "csv" | "model";
  csv?: { separator: string; header: boolean; nullValue: string; encoding: string };
  columns: { name: string; type: string }[];
  partitionBy: string[];
}

export interface InputPort extends DatasetShape {
  /** The step of this plan that writes it; absent: from outside (`external`) or published before (`--only`, single jobs). */
  step?: string;
  /** Where data from outside lies: absolute path or URI, or a path inside a Python package. */
  external?: { path: string; package?: string };
}

export interface OutputPort extends DatasetShape {
  /** What must hold of its rows; absent when nothing is asked of them. */
  checks?: DatasetCheck[];
  /** Whether its columns are to be profiled; absent when not. */
  profile?: true;
}

export interface Step {
  /** Name of the job; unique in the plan. */
  name: string;
  kind: JobKindName;
  /** Steps that must have succeeded first, by data or by `after`. */
  needs: string[];
  inputs: Record<string, InputPort>;
  outputs: Record<string, OutputPort>;
  /** The job's own settings with parameters filled in (docs/job-protocol.md). */
  settings: { [key: string]: Json };
  /**
   * Settings that wait for the run: path → the parts of the text. `fillRun` puts the text into `settings` and keeps the parts with the day filled in,
   * so that a cache key holds the day, which changes results, but never the run's name.
   */
  runScoped: Record<string, (string | { reference: string })[]>;
  main: string;
  /** Absolute code folder. */
  code: string;
  size: string;
  ranks: number;
  cache: boolean;
  retry: { attempts: number; backoffMs: number; memoryFactor: number };
  deadlines: { queuedMs: number; submittedMs: number; pendingMs: number; runningMs: number };
  /** Job whose sweep it is a part of; absent when it is none. */
  sweepOf?: string;
}

export interface Plan {
  /** Name of the pipeline, or of the single job. */
  definition: string;
  params: Record<string, string>;
  target: { name: string; spec: Target };
  /** In an order in which every step comes after those it needs. */
  steps: Step[];
  /** Datasets named at the end of a run. */
  publish: string[];
  sample: { fraction: number; seed: number } | null;
}
