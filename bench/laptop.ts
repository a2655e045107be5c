/** The main pipeline on this machine: its time, where that goes, and what the jobs say of themselves. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Figure } from "./figure.ts";
import { ROOT, sparkwright } from "./program.ts";
import { latestRun, metricsOf, stepSeconds, type RunFiles } from "./run-files.ts";

const DEMO_LIMIT_S = 600;
const RERUN_LIMIT_S = 5;

/** Figures as they become known; all in stores of their own, in a temporary folder. */
export function* laptop(): Iterable<Figure> {
  const place = mkdtempSync(join(tmpdir(), "sparkwright-bench-"));
  try {
    const store = join(place, "demo");
    const wall = runOffers(store);
    yield { name: "demo.wall", value: wall, unit: "s", bound: { atMost: DEMO_LIMIT_S } };
    const run = latestRun(store);
    yield* shares(run, wall);
    yield { name: "rerun.unchanged", value: runOffers(store), unit: "s", bound: { atMost: RERUN_LIMIT_S } };
    yield* jobFigures(run);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** Seconds of `sparkwright run offers` in a store. */
export function runOffers(store: string, ...flags: string[]): number {
  const specs = join(ROOT, "job-specs");
  return sparkwright(["run", "offers", "-f", specs, "--target", "laptop", "--store", store, ...flags]).seconds;
}

function* shares(run: RunFiles, wall: number): Iterable<Figure> {
  for (const [step, seconds] of Object.entries(stepSeconds(run))) {
    yield { name: `demo.share.${step}`, value: seconds / wall, unit: "share" };
  }
}

/** What the result documents of the run say. */
function* jobFigures(run: RunFiles): Iterable<Figure> {
  const features = metricsOf(run, "features");
  yield {
    name: "features.rows_per_s",
    value: figure(features, "rows_in") / (stepSeconds(run)["features"] ?? Number.NaN),
    unit: "rows/s",
  };
  const offers = metricsOf(run, "offers");
  const entities = figure(offers, "entities");
  yield { name: "inference.rows_per_s", value: entities / (stepSeconds(run)["offers"] ?? Number.NaN), unit: "rows/s" };
  yield { name: "inference.scoring_rows_per_s", value: figure(offers, "inference_rows_per_s"), unit: "rows/s" };
  yield { name: "inference.model_rows_per_s", value: figure(offers, "model_rows_per_s"), unit: "rows/s" };
  const training = metricsOf(run, "train");
  for (const scorer of ["txt", "baseline"]) {
    for (const part of ["", ".lower", ".upper"]) {
      yield { name: `${scorer}.recall10${part}`, value: figure(training, `${scorer}.recall10${part}`), unit: "share" };
    }
  }
  yield { name: "gate.promoted", value: figure(training, "gate.promoted"), unit: "" };
}

function figure(metrics: Record<string, number>, name: string): number {
  return metrics[name] ?? Number.NaN;
}
