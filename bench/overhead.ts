/** What Sparkwright adds to a job on one machine. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bareRun } from "./bare-run.ts";
import type { Figure } from "./figure.ts";
import { runOffers } from "./laptop.ts";
import { attemptOf, driverSeconds, latestRun } from "./run-files.ts";

/** Spark alone, without the spread that training has. */
const STEP = "features";
const PAIRS = 3;
const OVERHEAD_RATIO = 1.05;
const OVERHEAD_S = 1;

/** The same job under us and bare, each first in turn; judged by the quickest of each, as other work on the machine only ever adds. */
export function* overhead(): Iterable<Figure> {
  const place = mkdtempSync(join(tmpdir(), "sparkwright-bench-"));
  try {
    yield* measured(place);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

function* measured(place: string): Iterable<Figure> {
  const ours: number[] = [];
  const own: number[] = [];
  const bare: number[] = [];
  let attempt = "";
  const runOurs = (pair: number) => {
    const store = join(place, `overhead-${pair}`);
    const seconds = runOffers(store, "--only", STEP);
    ours.push(seconds);
    own.push(seconds - driverSeconds(latestRun(store), STEP));
    attempt = attemptOf(latestRun(store), STEP);
  };
  const runBare = (pair: number) => void bare.push(bareRun(attempt, join(place, `bare-${pair}`)));
  for (let pair = 1; pair <= PAIRS; pair += 1)
    for (const one of pair % 2 === 1 ? [runOurs, runBare] : [runBare, runOurs]) one(pair);
  const floor = Math.min(...bare);
  yield { name: "laptop.bare_s", value: floor, unit: "s" };
  // What we add before and after the driver; the ratio also holds what we do to it while it runs.
  yield { name: "laptop.own_s", value: Math.min(...own), unit: "s" };
  yield {
    name: "laptop.overhead_ratio",
    value: Math.min(...ours) / floor,
    unit: "ratio",
    bound: { atMost: OVERHEAD_RATIO + OVERHEAD_S / floor },
  };
}
