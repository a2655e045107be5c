/** Small plans whose jobs are `job.mjs` under the real local backend. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { localBackend } from "../../orchestrator/backends/local.ts";
import type { Backend } from "../../orchestrator/backends/backend.ts";
import { systemClock } from "../../orchestrator/clock.ts";
import type { RunStatus, StepStatus } from "../../orchestrator/engine/run-state.ts";
import type { Json } from "../../orchestrator/json.ts";
import { Target } from "../../orchestrator/kinds/target.ts";
import type { InputPort, Plan, Step } from "../../orchestrator/plan/plan.ts";
import type { DriveOptions } from "../../orchestrator/runner/drive.ts";
import type { FolderStore } from "../../orchestrator/storage/folder.ts";

export const NAMESPACE = "default";
const CODE = join(import.meta.dirname, "code");

export function stepOf(
  name: string,
  change: Partial<Step> & { reads?: Record<string, string>; writes?: string[] } = {},
): Step {
  const { reads = {}, writes = [name], ...rest } = change;
  const shape = { format: "model" as const, columns: [], partitionBy: [] };
  return {
    name,
    kind: "SparkJob",
    needs: Object.values(reads).filter((step) => step !== ""),
    // Dataset to the step that writes it.
    inputs: Object.fromEntries(
      Object.entries(reads).map(([dataset, step]) => [
        dataset,
        { ...shape, dataset, ...(step === "" ? {} : { step }) },
      ]),
    ),
    outputs: Object.fromEntries(writes.map((dataset) => [dataset, { ...shape, dataset }])),
    settings: {},
    runScoped: {},
    main: "job.py",
    code: CODE,
    size: "small",
    ranks: 0,
    cache: true,
    retry: { attempts: 2, backoffMs: 20, memoryFactor: 1.5 },
    deadlines: { queuedMs: 60_000, submittedMs: 60_000, pendingMs: 60_000, runningMs: 60_000 },
    ...rest,
  };
}

export function planWith(steps: Step[], change: Partial<Plan> & { parallelism?: number } = {}): Plan {
  const { parallelism = 2, ...rest } = change;
  const spec = Target.parse({
    storage: { root: "unused" },
    sizes: { small: { driver: { memory: "1g" }, executors: 0 } },
    parallelism,
  });
  return { definition: "walk", params: {}, target: { name: "here", spec }, steps, publish: [], sample: null, ...rest };
}

/** raw (a file outside) → first → second, third. */
export function chain(folder: string, settings: Record<string, { [key: string]: Json }> = {}): Plan {
  const raw = join(folder, "raw.csv");
  mkdirSync(folder, { recursive: true });
  if (!existsSync(raw)) writeFileSync(raw, "a;b\n1;2\n");
  const external: InputPort = { dataset: "raw", format: "csv", columns: [], partitionBy: [], external: { path: raw } };
  const make = (name: string, reads: Record<string, string>) => stepOf(name, { reads, settings: settings[name] ?? {} });
  const first = make("first", {});
  return planWith([
    { ...first, inputs: { raw: external } },
    make("second", { first: "first" }),
    make("third", { first: "first", second: "second" }),
  ]);
}

/** The real local backend with the stand-in in place of spark-submit; every start adds a line to `log`. */
export function standIn(log: string): Backend {
  const job = join(import.meta.dirname, "job.mjs");
  return localBackend({
    graceMs: 1000,
    launch: (app) => ({
      command: [process.execPath, job, `${app.prefix}/params.json`, log],
      env: { PATH: process.env["PATH"] ?? "" },
    }),
  });
}

export function starts(log: string): string[] {
  return readFileSync(log, { encoding: "utf8", flag: "a+" })
    .split("\n")
    .filter((line) => line !== "");
}

export function options(store: FolderStore, log: string): DriveOptions {
  return { store, backend: standIn(log), environment: "python-test", every: 20, clock: systemClock };
}

export const packageFolder = (name: string): Promise<string> => Promise.reject(new Error(`no package ${name}`));

/** A running run with these steps. */
export function statusOf(steps: Record<string, Partial<StepStatus>>, change: Partial<RunStatus> = {}): RunStatus {
  const full = Object.entries(steps).map(([name, step]) => [
    name,
    { phase: "Waiting", attempts: [], ...step } as const,
  ]);
  return {
    phase: "Running",
    startedAt: 0,
    revision: 1,
    pinned: {},
    code: {},
    steps: Object.fromEntries(full),
    ...change,
  };
}
