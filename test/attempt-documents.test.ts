import { expect, test } from "vitest";
import { attemptDocuments } from "../orchestrator/backends/attempt-documents.ts";
import type { Observation } from "../orchestrator/spark-app.ts";
import { sampleApp } from "./sample-app.ts";

const app = sampleApp({ prefix: "s3a://b/runs/r/s/1" });
const PROGRESS = "s3a://b/runs/r/s/1/progress.json";
const running: Observation = { phase: "Running", where: "pod offers/driver" };
const counts = { stages_done: 1, stages_active: 1, tasks_done: 3, tasks_total: 4 };

/** A store of these documents that counts what is asked of it. */
function store(texts: Record<string, string>) {
  const asked: string[] = [];
  return {
    asked,
    texts,
    read: (path: string) => {
      asked.push(path);
      return Promise.resolve(texts[path]);
    },
  };
}

/** What was asked in the background has come by then. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("tells the progress of a running job as it was read last, and asks at most once a second", async () => {
  const { read, asked, texts } = store({ [PROGRESS]: JSON.stringify({ stage: "reading lines", ...counts }) });
  let now = 0;
  const documents = attemptDocuments(() => now, read);

  expect(documents.complete(app, running)).toEqual(running);
  await settled();
  expect(documents.complete(app, running)).toEqual({
    ...running,
    progress: { stage: "reading lines", ...counts },
  });
  expect(asked).toHaveLength(1);

  texts[PROGRESS] = "no JSON";
  now = 1000;
  documents.complete(app, running);
  await settled();
  expect(documents.complete(app, running)?.progress?.stage).toBe("reading lines");
  expect(asked).toHaveLength(2);
});

test("a store that does not answer holds up no look at a running job", () => {
  const hangs = attemptDocuments(
    () => 0,
    () => new Promise<string>(() => undefined),
  );
  expect(hangs.complete(app, running)).toEqual(running);
  const fails = attemptDocuments(
    () => 0,
    () => Promise.reject(new Error("away")),
  );
  expect(fails.complete(app, running)).toEqual(running);
});
