/** @module A job document of a plan, as a step: ports with the shape of their datasets, settings for the job, limits in milliseconds. */
import type { Json } from "../json.ts";
import type { Target } from "../kinds/target.ts";
import { milliseconds } from "../quantity.ts";
import type { Catalogue, DocumentOf, JobDocument } from "../spec/document.ts";
import { portsOf } from "../spec/ports.ts";
import { codeFolder, withoutDots } from "../spec/references.ts";
import { PLATFORM_FIELDS } from "../spec/resolve.ts";
import type { DatasetShape, InputPort, OutputPort, Step } from "./plan.ts";

export interface StepOptions {
  /** Steps of the plan that must have succeeded first. */
  needs: readonly string[];
  /** Dataset → step of this plan that writes it. */
  writers: ReadonlyMap<string, string>;
  target: DocumentOf<"Target">;
  shippedCode: string;
  runScoped: Step["runScoped"];
}

/** Every dataset named exists: references are checked before. One that does not would be left out. */
export function stepOf(job: JobDocument, catalogue: Catalogue, options: StepOptions): Step {
  const { inputs, outputs } = portsOf(job);
  const { retry, deadlines, main, size, cache } = job.spec;
  return {
    name: job.name,
    kind: job.kind,
    needs: [...options.needs],
    inputs: byRole(inputs, catalogue, (dataset) => inputPort(dataset, options)),
    outputs: byRole(outputs, catalogue, outputPort),
    settings: settingsOf(job, catalogue),
    runScoped: options.runScoped,
    main,
    code: codeFolder(job, options.shippedCode),
    size,
    ranks: job.kind === "TrainingJob" ? job.spec.ranks : 0,
    cache,
    retry: { attempts: retry.attempts, backoffMs: milliseconds(retry.backoff), memoryFactor: retry.memoryFactor },
    deadlines: {
      queuedMs: milliseconds(deadlines.queued),
      submittedMs: milliseconds(deadlines.submitted),
      pendingMs: milliseconds(deadlines.pending),
      runningMs: milliseconds(deadlines.running),
    },
  };
}

type DatasetDocument = DocumentOf<"Dataset">;

function byRole<T>(
  ports: { role: string; dataset: string }[],
  { datasets }: Catalogue,
  of: (dataset: DatasetDocument) => T,
): Record<string, T> {
  const entries = ports.flatMap(({ role, dataset }): [string, T][] => {
    const document = datasets.get(dataset);
    return document === undefined ? [] : [[role, of(document)]];
  });
  return Object.fromEntries(entries);
}

function shapeOf({ name, spec }: DatasetDocument): DatasetShape {
  const { format, csv, columns, partitionBy } = spec;
  return { dataset: name, format, ...(csv === undefined ? {} : { csv }), columns, partitionBy };
}

function inputPort(dataset: DatasetDocument, { writers, target }: StepOptions): InputPort {
  const shape = shapeOf(dataset);
  const { source, path } = dataset.spec;
  const step = writers.get(dataset.name);
  if (source !== undefined && path !== undefined) return { ...shape, external: external(source, path, target) };
  return step === undefined ? shape : { ...shape, step };
}

/** Rows that are read were checked when they were written, so checks travel with outputs only. */
function outputPort(dataset: DatasetDocument): OutputPort {
  const { checks, profile } = dataset.spec;
  return { ...shapeOf(dataset), ...(checks.length === 0 ? {} : { checks }), ...(profile ? { profile } : {}) };
}

/** Where data from outside lies: the source's folder, URI or Python package, and the dataset's path below it. */
export function external(
  source: string,
  path: string,
  target: DocumentOf<"Target">,
): { path: string; package?: string } {
  const place: Target["sources"][string] = target.spec.sources[source] ?? {};
  const below = place.path === undefined || place.path === "" ? path : `${place.path.replace(/\/+$/, "")}/${path}`;
  if (place.package !== undefined) return { path: below, package: place.package };
  if (below.includes("://")) return { path: below };
  return { path: withoutDots(below.startsWith("/") ? below : `${target.folder}/${below}`) };
}

/** What the job itself is told: its spec without platform fields; the name of rules gives way to the rules. */
function settingsOf(job: JobDocument, { rules }: Catalogue): { [key: string]: Json } {
  // A parsed spec is JSON but for absent optional fields, which leave here.
  const spec = JSON.parse(JSON.stringify(job.spec)) as { [key: string]: Json };
  const settings = Object.fromEntries(Object.entries(spec).filter(([field]) => !PLATFORM_FIELDS.includes(field)));
  const named = job.kind === "InferenceJob" ? rules.get(job.spec.rules) : undefined;
  if (named === undefined) return settings;
  // What marketers note for each other is not the job's concern and must not make it run again.
  const { description: _, ...content } = JSON.parse(JSON.stringify(named.spec)) as { [key: string]: Json };
  return { ...settings, rules: content };
}
