/**
 * A retailer that the jobs have never seen (semicolon CSV, text ids, another zone, nulls, no targeting) runs through the whole
 * pipeline on real Spark, with specs only; then what a change of the specs runs again.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { ensureBuilt, makePlace, run, type Place } from "./program.ts";
import { makeSecondRetailer } from "./second-retailer/place.ts";

beforeAll(ensureBuilt, 60_000);

interface Run {
  status: { steps: { name: string; phase: string }[] };
}

test("runs whole, then only what a change concerns", { timeout: 1_800_000 }, async () => {
  const place = makePlace("drogerie");
  await makeSecondRetailer(place.folder);

  expect(await steps(place)).toEqual(all("Succeeded"));
  expect(await steps(place), "an unchanged second run").toEqual(all("Cached"));

  edit(place, "offers.yaml", "maxFallbackShare: ", (line) => line.replace("0.1", "0.2"));
  // The offers come out the same, so what reads them need not run either.
  expect(await steps(place), "changed rules").toEqual({ ...all("Cached"), offers: "Succeeded" });

  const offers = await run(place, ["dataset", "show", "customer-offers", "-o", "json"]);
  expect(offers.code).toBe(0);
  expect(JSON.parse(offers.stdout)).toMatchObject({ items: [{ dataset: "customer-offers", format: "parquet" }] });
});

function all(phase: string): Record<string, string> {
  return Object.fromEntries(["features", "segments", "train", "offers", "offer-checks"].map((step) => [step, phase]));
}

/** Runs the pipeline to its end; phase by step. */
async function steps(place: Place): Promise<Record<string, string>> {
  const ended = await run(place, ["run", "offers", "-f", "specs", "-o", "json"]);
  expect(ended.code, ended.stderr).toBe(0);
  const { status } = JSON.parse(ended.stdout) as Run;
  return Object.fromEntries(status.steps.map(({ name, phase }) => [name, phase]));
}

/** Changes the one line that holds the words. */
function edit(place: Place, file: string, words: string, change: (line: string) => string): void {
  const path = join(place.folder, "specs", file);
  const lines = readFileSync(path, "utf8").split("\n");
  const found = lines.filter((line) => line.includes(words));
  expect(found, `${words} in ${file}`).toHaveLength(1);
  writeFileSync(path, lines.map((line) => (line.includes(words) ? change(line) : line)).join("\n"));
}
