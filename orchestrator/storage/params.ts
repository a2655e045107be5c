/** @module The params document of an attempt (docs/job-protocol.md). */
import type { Json } from "../json.ts";
import type { DatasetShape, OutputPort, Plan, Step } from "../plan/plan.ts";
import { PROTOCOL } from "./result.ts";
import type { FileEntry, Manifest } from "./store.ts";

/** A dataset version as a job reads it. */
export interface ParamsInput extends DatasetShape {
  version: string;
  files: Pick<FileEntry, "path" | "size" | "etag" | "partition" | "rows">[];
}

export interface Params {
  protocol: typeof PROTOCOL;
  run: string;
  step: string;
  attempt: number;
  kind: string;
  name: string;
  settings: { [key: string]: Json };
  inputs: Record<string, ParamsInput>;
  outputs: Record<string, Omit<OutputPort, "csv"> & { path: string }>;
  previous: Record<string, ParamsInput>;
  sample: Plan["sample"];
  work: string;
  resultPath: string;
  progressPath: string;
  terminationPath: string;
}

/** Where the kubelet looks for the last words of a container: they reach us even when the storage cannot be written. */
export const POD_TERMINATION_PATH = "/dev/termination-log";

export interface ParamsContext {
  run: string;
  attempt: number;
  sample: Plan["sample"];
  /** By role. */
  inputs: Record<string, Manifest>;
  previous: Record<string, Manifest>;
  /** Absolute folders without trailing slash. */
  prefix: string;
  /** Where the job leaves its last words. Default: in the attempt's prefix. */
  terminationPath?: string;
  work: string;
  outputFolder: (role: string) => string;
}

export function paramsOf(step: Step, context: ParamsContext): Params {
  const { run, attempt, sample, prefix, work } = context;
  return {
    protocol: PROTOCOL,
    run,
    step: step.name,
    attempt,
    kind: step.kind,
    name: step.name,
    settings: step.settings,
    inputs: mapped(step.inputs, (port, role) => readAs(port, context.inputs[role])),
    outputs: mapped(step.outputs, ({ dataset, format, columns, partitionBy, checks, profile }, role) => ({
      dataset,
      format,
      columns,
      partitionBy,
      ...(checks === undefined ? {} : { checks }),
      ...(profile === undefined ? {} : { profile }),
      path: context.outputFolder(role),
    })),
    previous: mapped(step.outputs, (port, role) => readAs(port, context.previous[role])),
    sample,
    work,
    resultPath: `${prefix}/result.json`,
    progressPath: `${prefix}/progress.json`,
    terminationPath: context.terminationPath ?? `${prefix}/termination.json`,
  };
}

/** A version read through a port: the port says which columns are declared and how text is parsed. */
function readAs(port: DatasetShape, manifest: Manifest | undefined): ParamsInput | undefined {
  if (manifest === undefined) return undefined;
  const { dataset, format, csv, columns, partitionBy } = port;
  return {
    dataset,
    version: manifest.version,
    format,
    ...(csv === undefined ? {} : { csv }),
    columns,
    partitionBy,
    files: manifest.files,
  };
}

function mapped<In, Out>(
  from: Record<string, In>,
  make: (value: In, role: string) => Out | undefined,
): Record<string, Out> {
  const entries = Object.entries(from).map(([role, value]) => [role, make(value, role)] as const);
  return Object.fromEntries(entries.filter((entry): entry is [string, Out] => entry[1] !== undefined));
}
