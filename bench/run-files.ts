/** What a run leaves in a folder store (layout: orchestrator/storage/store.ts), read as any outsider may read it. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

export interface RunFiles {
  store: string;
  name: string;
  status: {
    steps: Record<
      string,
      { startedAt?: number; endedAt?: number; attempts: { number: number; startedAt?: number; endedAt?: number }[] }
    >;
  };
}

/** The run with the highest number. Throws when there is none. */
export function latestRun(store: string): RunFiles {
  const folders = readdirSync(join(store, "runs"));
  const records = folders.map((name) =>
    read<{ name: string; sequence: number }>(join(store, "runs", name, "run.json")),
  );
  const latest = records.toSorted((a, b) => b.sequence - a.sequence)[0];
  if (latest === undefined) throw new Error(`Cannot measure: no run in ${store}`);
  return { store, name: latest.name, status: read(join(store, "runs", latest.name, "status.json")) };
}

/** Seconds each step took, publishing included. */
export function stepSeconds({ status }: RunFiles): Record<string, number> {
  const entries = Object.entries(status.steps).map(([name, step]) => [
    name,
    ((step.endedAt ?? 0) - (step.startedAt ?? 0)) / 1000,
  ]);
  return Object.fromEntries(entries) as Record<string, number>;
}

/** Seconds that the last driver of a step lived. */
export function driverSeconds({ status }: RunFiles, step: string): number {
  const { startedAt = Number.NaN, endedAt = Number.NaN } = status.steps[step]?.attempts.at(-1) ?? {};
  return (endedAt - startedAt) / 1000;
}

/** Folder of the last attempt of a step. Throws when it had none. */
export function attemptOf({ store, name, status }: RunFiles, step: string): string {
  const attempt = status.steps[step]?.attempts.at(-1);
  if (attempt === undefined) throw new Error(`Cannot measure: step ${step} of ${name} did not run`);
  return join(store, "runs", name, step, String(attempt.number));
}

/** Metrics of a step's result document. */
export function metricsOf(run: RunFiles, step: string): Record<string, number> {
  return read<{ metrics: Record<string, number> }>(join(attemptOf(run, step), "result.json")).metrics;
}

function read<T>(file: string): T {
  return JSON.parse(readFileSync(file, "utf8")) as T;
}
