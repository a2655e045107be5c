/** What a run promises to whoever reads its records and its data, on the real store and backend with a stand-in for Spark. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Backend } from "../orchestrator/backends/backend.ts";
import { systemClock } from "../orchestrator/clock.ts";
import type { RunStatus } from "../orchestrator/engine/run-state.ts";
import type { Plan } from "../orchestrator/plan/plan.ts";
import { drive } from "../orchestrator/runner/drive.ts";
import { startRun } from "../orchestrator/runner/start.ts";
import { openFolder, type FolderStore } from "../orchestrator/storage/folder.ts";
import { chain, NAMESPACE, options, packageFolder } from "./stand-in/plan.ts";

let place: string;
let store: FolderStore;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "sparkwright-promises-"));
  store = openFolder(join(place, "store"));
});
afterEach(() => rmSync(place, { recursive: true, force: true, maxRetries: 5 }));

const begin = async (plan: Plan): Promise<string> =>
  (await startRun(store, plan, { clock: systemClock, packageFolder })).name;
const finish = (run: string): Promise<RunStatus> => drive(run, options(store, join(place, "starts")));
const published = async (): Promise<(string | undefined)[]> =>
  Promise.all(
    ["first", "second", "third"].map(async (dataset) => (await store.readPointer(NAMESPACE, dataset))?.version),
  );

test("every attempt is on disk when its application is started: else a cancel after a crash would forget it", async () => {
  const base = options(store, join(place, "starts"));
  const recorded: boolean[] = [];
  const backend: Backend = {
    ...base.backend,
    async submit(app, signal) {
      const status = await store.readStatus(app.run);
      recorded.push(status?.steps[app.step]?.attempts.some((one) => one.application === app.name) === true);
      await base.backend.submit(app, signal);
    },
  };
  const status = await drive(await begin(chain(place)), { ...base, backend });
  expect(status.phase).toBe("Succeeded");
  expect(recorded).toEqual([true, true, true]);
});

test("a sample moves no pointer, and says so", async () => {
  const sample = await finish(await begin({ ...chain(place), sample: { fraction: 0.05, seed: 7 } }));
  expect(sample.phase).toBe("Succeeded");
  expect(sample.steps["first"]?.unpublished).toEqual({ first: "a sample is never published" });
  expect(await published()).toEqual([undefined, undefined, undefined]);
});

test("a step reads what its run made, although a later run has published something else meanwhile", async () => {
  const earlier = await begin(chain(place));
  const later = await finish(await begin(chain(place, { first: { text: "other" } })));
  expect(await published()).toContain(later.steps["first"]?.outputs?.["first"]);

  const { steps, phase } = await finish(earlier);
  expect(phase).toBe("Succeeded");
  expect(steps["first"]?.outputs?.["first"]).not.toBe(later.steps["first"]?.outputs?.["first"]);
  expect(steps["second"]?.inputs?.["first"]?.version).toBe(steps["first"]?.outputs?.["first"]);
});
