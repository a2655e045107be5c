/**
 * What a real operator and a real cluster showed of applications over time (test/testbed/sequences, recorded by `testbed -- classes --update`),
 * replayed through what we conclude from it.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { observationOf, ownDriver, type Seen } from "../orchestrator/backends/kubeflow-evidence.ts";
import { keptOfApplication, keptOfPod } from "../orchestrator/backends/kubeflow-kept.ts";
import { FAILURES } from "../orchestrator/engine/failure.ts";
import { obstacle } from "../orchestrator/engine/pod-obstacle.ts";
import { verdict } from "../orchestrator/engine/verdict.ts";
import type { Pod } from "../orchestrator/kubernetes/objects.ts";
import type { Observation } from "../orchestrator/spark-app.ts";
import type { Moment } from "./testbed/classes/recorder.ts";
import type { Sequence } from "./testbed/classes/sequence.ts";

const FOLDER = join(import.meta.dirname, "testbed/sequences");
const sequences = readdirSync(FOLDER).map((file) => JSON.parse(readFileSync(join(FOLDER, file), "utf8")) as Sequence);

/** What is there after each change. */
function* states(moments: Moment[]): Generator<Seen> {
  let seen: Seen = { executors: [], warnings: [] };
  const executors = new Map<string, Pod>();
  for (const { application, driver, executor, warning, lostNodes, gone } of moments) {
    if (executor !== undefined) executors.set(executor.metadata.name, executor);
    if (gone !== undefined) executors.delete(gone);
    seen = {
      ...seen,
      ...(application && { application: { metadata: { name: "app" }, ...application } }),
      ...(driver && { driver }),
      ...(gone === "application" && { application: undefined }),
      ...(gone === "driver" && { driver: undefined }),
      ...(lostNodes && { lostNodes: new Set(lostNodes) }),
      executors: [...executors.values()],
      warnings: [...seen.warnings, ...(warning === undefined ? [] : [warning])],
    };
    yield seen;
  }
}

/** One line for each sight that differs from the one before: what the operator says, what we see, what we conclude. */
function conclusions(moments: Moment[]): string[] {
  const lines: string[] = [];
  for (const seen of states(moments)) {
    const observation = observationOf(seen);
    const state = seen.application === undefined ? "absent" : seen.application.status?.applicationState?.state || "new";
    const line = `${state.padEnd(18)} ${observation === undefined ? "nothing" : wordsOf(observation)}`;
    if (lines.at(-1) !== line) lines.push(line);
  }
  return lines;
}

function wordsOf(seen: Observation): string {
  const failure = seen.phase === "Ended" ? verdict(seen) : obstacle(seen)?.failure;
  return [seen.phase, seen.exitCode ?? "", failure === undefined ? "" : `${failure.class}: ${failure.cause}`]
    .join(" ")
    .trim();
}

test.for(sequences)("$case, as recorded from operator $operator", async ({ case: name, moments }) => {
  await expect(`${conclusions(moments).join("\n")}\n`).toMatchFileSnapshot(`golden/sequences/${name}.txt`);
});

test.for(sequences)("$case: no driver that runs is taken for ended, and what ended stays so", ({ moments }) => {
  for (const seen of states(moments)) {
    const container = seen.driver?.status?.containerStatuses?.[0]?.state;
    if (container?.running !== undefined) expect(observationOf(seen)?.phase).toBe("Running");
    if (container?.terminated !== undefined) expect(observationOf(seen)?.phase).toBe("Ended");
  }
});

test.for(sequences)("$case is told as $ended", ({ ended, moments }) => {
  const all = [...states(moments)].map((seen) => observationOf(seen)).filter((seen) => seen !== undefined);
  const told = all.map((seen) => (seen.phase === "Ended" ? verdict(seen) : obstacle(seen)?.failure)?.class);
  // What the log, the outputs, a deadline or a person decides is not in these objects.
  const elsewhere = ["OutputMissing", "DeadlineExceeded", "Cancelled", "Succeeded", "ExecutorsFailed"];
  if (!elsewhere.includes(ended)) expect(told).toContain(ended);
  if (ended === "Succeeded") expect(all.some((seen) => seen.phase === "Ended" && seen.exitCode === 0)).toBe(true);
  expect(Object.keys(FAILURES).concat("Succeeded")).toContain(ended);
});

test.for(sequences)("$case: what a copy keeps tells the same", ({ moments }) => {
  for (const seen of states(moments)) {
    const kept: Seen = {
      ...seen,
      application: seen.application && keptOfApplication(seen.application),
      driver: seen.driver && keptOfPod(seen.driver),
      executors: seen.executors.map(keptOfPod),
    };
    expect(observationOf(kept)).toEqual(observationOf(seen));
  }
});

test("a copy keeps whose driver it is", () => {
  const owner = { kind: "SparkApplication", name: "app", uid: "another" };
  const driver = keptOfPod({ metadata: { name: "driver", ownerReferences: [owner] } });
  expect(ownDriver([driver], { metadata: { name: "app", uid: "mine" } })).toBeUndefined();
});
