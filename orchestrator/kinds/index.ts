/** @module Every kind there is. Parsing, generated schemas, reference tables and `explain` walk this list and nothing else. */
import type { z } from "zod";
import { Dataset } from "./dataset.ts";
import { FeatureJob } from "./feature-job.ts";
import { InferenceJob, OfferRules } from "./inference-job.ts";
import type { Kind } from "./kind.ts";
import { Pipeline } from "./pipeline.ts";
import { SegmentationJob } from "./segmentation-job.ts";
import { SparkJob } from "./spark-job.ts";
import { Target } from "./target.ts";
import { TrainingJob } from "./training-job.ts";

const SIZE = { name: "Size", path: "spec.size" };

export const JOB_KINDS = {
  FeatureJob: {
    kind: "FeatureJob",
    plural: "featurejobs",
    schema: FeatureJob,
    columns: [SIZE, { name: "As of", path: "spec.asOf" }],
    ports: { inputs: { lines: "table", items: "table" }, outputs: { lines: "table", features: "table" } },
  },
  SegmentationJob: {
    kind: "SegmentationJob",
    plural: "segmentationjobs",
    schema: SegmentationJob,
    columns: [SIZE, { name: "Min k", path: "spec.clusters.min" }, { name: "Max k", path: "spec.clusters.max" }],
    ports: { inputs: { features: "table" }, outputs: { model: "model", segments: "table", profile: "table" } },
  },
  TrainingJob: {
    kind: "TrainingJob",
    plural: "trainingjobs",
    schema: TrainingJob,
    columns: [SIZE, { name: "Model", path: "spec.model" }, { name: "Ranks", path: "spec.ranks" }],
    ports: {
      inputs: { lines: "table", segments: "table" },
      outputs: { model: "model", scorer: "model", evaluation: "table" },
    },
  },
  InferenceJob: {
    kind: "InferenceJob",
    plural: "inferencejobs",
    schema: InferenceJob,
    columns: [SIZE, { name: "As of", path: "spec.asOf" }, { name: "Rules", path: "spec.rules" }],
    ports: {
      inputs: {
        scorer: "model",
        lines: "table",
        segments: "table",
        items: "table",
        campaigns: "table",
        coupons: "table",
        targets: "table",
      },
      outputs: { offers: "table", considered: "table", histories: "table" },
    },
  },
  SparkJob: {
    kind: "SparkJob",
    plural: "sparkjobs",
    schema: SparkJob,
    columns: [SIZE, { name: "Main", path: "spec.main" }],
    ports: "any",
  },
} as const satisfies Record<string, Kind>;

export const KINDS = {
  ...JOB_KINDS,
  Pipeline: { kind: "Pipeline", plural: "pipelines", schema: Pipeline, columns: [{ name: "Jobs", path: "spec.jobs" }] },
  Dataset: {
    kind: "Dataset",
    plural: "datasets",
    schema: Dataset,
    columns: [
      { name: "Format", path: "spec.format" },
      { name: "Source", path: "spec.source" },
    ],
  },
  Target: {
    kind: "Target",
    plural: "targets",
    schema: Target,
    columns: [
      { name: "Backend", path: "spec.backend" },
      { name: "Namespace", path: "spec.namespace" },
    ],
  },
  OfferRules: {
    kind: "OfferRules",
    plural: "offerrules",
    schema: OfferRules,
    columns: [{ name: "Recent days", path: "spec.recentDays" }],
  },
} as const satisfies Record<string, Kind>;

export type JobKindName = keyof typeof JOB_KINDS;
export type KindName = keyof typeof KINDS;
/** The parsed spec of a kind, with its defaults. */
export type SpecOf<K extends KindName> = z.output<(typeof KINDS)[K]["schema"]>;

export const KIND_NAMES: readonly KindName[] = Object.values(KINDS).map((kind) => kind.kind);

export function isKindName(name: string): name is KindName {
  return Object.hasOwn(KINDS, name);
}

export function isJobKind(name: string): name is JobKindName {
  return Object.hasOwn(JOB_KINDS, name);
}
