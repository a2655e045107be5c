import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Backend, WithLogs } from "../orchestrator/backends/backend.ts";
import { keepLog } from "../orchestrator/runner/keep-log.ts";
import { archivePath, orArchived } from "../orchestrator/storage/archived-log.ts";
import { openFolder } from "../orchestrator/storage/folder.ts";
import { sampleApp } from "./sample-app.ts";

const never = new AbortController().signal;
let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "sparkwright-log-"))));
afterEach(() => rmSync(folder, { recursive: true }));

async function* live(lines: string[], failure?: Error): AsyncGenerator<string> {
  yield* lines;
  await Promise.resolve();
  if (failure !== undefined) throw failure;
}

async function all(lines: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const line of lines) found.push(line);
  return found;
}

/** A backend of which only the log is asked. */
const loggingOnly = (logs: () => AsyncIterable<string>) => ({ logs }) as unknown as Backend & WithLogs;

const kept = (text: string): string => {
  const path = join(folder, "driver.log");
  writeFileSync(path, text);
  return path;
};

test("what the backend has goes before what was kept", async () => {
  expect(await all(orArchived(live(["live"]), kept("kept\n"), undefined, never))).toEqual(["live"]);
});

test("without a pod the kept log is read, whole or its last lines", async () => {
  const path = kept("one\ntwo\nthree\n");
  expect(await all(orArchived(live([]), path, undefined, never))).toEqual(["one", "two", "three"]);
  expect(await all(orArchived(live([]), path, 2, never))).toEqual(["two", "three"]);
  expect(await all(orArchived(live([]), path, 0, never))).toEqual([]);
});

test("a node that does not answer is told only when nothing was kept", async () => {
  const failure = new Error("no route");
  expect(await all(orArchived(live([], failure), kept("kept\n"), undefined, never))).toEqual(["kept"]);
  await expect(all(orArchived(live([], failure), join(folder, "none"), undefined, never))).rejects.toThrow("no route");
  await expect(all(orArchived(live(["half"], failure), kept("kept\n"), undefined, never))).rejects.toThrow("no route");
});

test("executors have logs of their own", () => {
  expect(archivePath("s3a://lake/runs/r/s/1")).toBe("s3a://lake/runs/r/s/1/driver.log");
  expect(archivePath("s3a://lake/runs/r/s/1", 7)).toBe("s3a://lake/runs/r/s/1/executor-7.log");
});

test("the log of an image that keeps none is kept at the end, and one that is there stays", async () => {
  const app = sampleApp();
  const store = openFolder(folder);
  await keepLog({ backend: loggingOnly(() => live(["a", "b"])), store }, app, never);
  await keepLog({ backend: loggingOnly(() => live(["other"])), store }, app, never);
  expect(readFileSync(join(store.attemptFolder(app.run, app.step, app.attempt), "driver.log"), "utf8")).toBe("a\nb\n");
});

test("a log that cannot be had holds nothing up", async () => {
  const backend = loggingOnly(() => live([], new Error("gone")));
  await keepLog({ backend, store: openFolder(folder) }, sampleApp(), never);
});
