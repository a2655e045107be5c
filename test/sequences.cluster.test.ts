/** The fake operator goes through the states that the real one was seen to go through (test/testbed/sequences). Run by vitest.cluster.config.ts. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { kubeflowBackend } from "../orchestrator/backends/kubeflow-cluster.ts";
import { fakeCluster } from "./fake-cluster.ts";
import { type Moment, record } from "./testbed/classes/recorder.ts";
import type { Sequence } from "./testbed/classes/sequence.ts";

const never = new AbortController().signal;
const cluster = fakeCluster();
beforeAll(cluster.start);
afterAll(cluster.stop);

/** States in the order in which they were seen, each once: a watch may miss a short one, the operator writes SUCCEEDING and FAILING for moments. */
function statesOf(moments: Moment[]): string[] {
  const states = moments.flatMap(({ application }) => application?.status?.applicationState?.state ?? []);
  const passing = ["SUCCEEDING", "FAILING", "SUBMISSION_FAILED"];
  return [...new Set(states)].filter((state) => !passing.includes(state));
}

function recorded(name: string): string[] {
  const file = join(import.meta.dirname, "testbed/sequences", `${name}.json`);
  return statesOf((JSON.parse(readFileSync(file, "utf8")) as Sequence).moments);
}

test.for([
  ["no-output", "succeeds"],
  ["raises", "fails"],
] as const)("%s: as the real operator's", { timeout: 60_000 }, async ([name, behaviour]) => {
  const app = cluster.app(behaviour);
  const recorder = record(cluster.connection, cluster.namespace, `sparkwright.dev/run=${app.run}`);
  await kubeflowBackend({}, { connection: cluster.connection }).submit(app, never);
  const expected = recorded(name);
  await vi.waitFor(() => expect(statesOf(recorder.momentsOf(app.run))).toEqual(expected), { timeout: 30_000 });
  await recorder.stop();
});
