/**
 * What the models are worth: on the given data (pipeline `models`), on sessions and populations whose truth is known, and how fast their
 * parts are beside bare libraries. The measures of known truth are programs of spark-jobs/tests. Takes about half an hour.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pythonBinary } from "../scripts/places.mjs";
import type { Figure } from "./figure.ts";
import { ROOT, sparkwright, timed } from "./program.ts";
import { latestRun, metricsOf } from "./run-files.ts";

const ENOUGH = 2; // standard errors over the seeds
const LEAST_OF_BARE = 0.9;

export function* models(): Iterable<Figure> {
  yield* rates();
  yield* segments();
  yield* onTheData();
  yield* order();
}

/** Metrics of the pipeline `models`: recall of each model and baseline, the gate, offers. */
function* onTheData(): Iterable<Figure> {
  const store = mkdtempSync(join(tmpdir(), "sparkwright-bench-"));
  try {
    sparkwright(["run", "models", "-f", join(ROOT, "job-specs"), "--target", "laptop", "--store", store]);
    const run = latestRun(store);
    for (const step of ["segments", "train", "offer-ranking", "offer-simulation"]) {
      for (const [name, value] of Object.entries(metricsOf(run, step))) {
        if (!name.startsWith("seconds.")) yield { name: `${step}.${name}`, value, unit: "" };
      }
    }
  } finally {
    rmSync(store, { recursive: true, force: true });
  }
}

interface Rate {
  name: string;
  value: number;
}

/** Training, scoring and clustering, each with its floor from the same run. */
function* rates(): Iterable<Figure> {
  const found = new Map(measured<Rate>("rates.py").map(({ name, value }) => [name, value]));
  for (const [name, value] of found) yield { name, value, unit: "1/s" };
  const ratio = (ours: string, bare: string): number =>
    (found.get(ours) ?? Number.NaN) / (found.get(bare) ?? Number.NaN);
  yield {
    name: "train.rank_over_bare",
    value: ratio("train.rank_sequences_per_s", "train.bare_sequences_per_s"),
    unit: "ratio",
    bound: { atLeast: LEAST_OF_BARE },
  };
  yield {
    name: "train.scorer_over_onnxruntime",
    value: ratio("train.scorer_rows_per_s", "train.onnxruntime_rows_per_s"),
    unit: "ratio",
  };
  yield {
    name: "segments.spark_over_scikit",
    value: ratio("segments.fits_per_s", "segments.scikit_fits_per_s"),
    unit: "ratio",
  };
}

interface Method {
  method: string;
  precision: number;
  recall: number;
}

/** Who is said to have moved where 4 % did, by method; what the product does must keep to the bounds. */
function* segments(): Iterable<Figure> {
  for (const { method, precision, recall } of measured<Method>("moving_methods.py")) {
    const name = `segments.moved.${underscored(method)}`;
    const isOurs = method === "frozen, hysteresis";
    yield {
      name: `${name}.precision`,
      value: precision,
      unit: "share",
      ...(isOurs ? { bound: { atLeast: 0.7 } } : {}),
    };
    yield { name: `${name}.recall`, value: recall, unit: "share", ...(isOurs ? { bound: { atLeast: 0.9 } } : {}) };
  }
}

interface Row {
  truth: string;
  name: string;
  k: number;
  value: number;
  /** Of a gain of one model over another: how many standard errors it is. */
  errors?: number;
}

/** Of each truth: the recall of the ceiling and of each model, and its gains with what they must keep to. */
function* order(): Iterable<Figure> {
  for (const row of measured<Row>("model_order.py", "--json")) {
    const name = `txt.${row.truth}.${underscored(row.name)}.top${row.k}`;
    if (row.errors === undefined) yield { name, value: row.value, unit: "share" };
    else {
      // With the multiplicative truth each model must be better than the one before it; in the controls it must not.
      const bound = row.truth === "multiplicative" ? { atLeast: ENOUGH } : { atMost: ENOUGH };
      yield { name, value: row.errors, unit: "standard errors", bound };
    }
  }
}

/** Rows that a program of spark-jobs/tests prints as JSON, in its last line. */
function measured<Row>(program: string, ...args: string[]): Row[] {
  const folder = join(ROOT, "spark-jobs");
  const env = { ...process.env, PYTHONPATH: [folder, join(folder, "tests")].join(":") };
  const { stdout } = timed(pythonBinary(), [join("tests", program), ...args], folder, env);
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "[]") as Row[];
}

function underscored(words: string): string {
  return words.replaceAll(/[ ,-]+/g, "_");
}
