/** kill -9 of the driving process around a job on real Spark, then going on: the same versions, one driver, one commit. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openFolder } from "../orchestrator/storage/folder.ts";
import { quarterOf } from "../scripts/quarter.mjs";
import { makeSecondRetailer } from "./second-retailer/place.ts";

const home = mkdtempSync(join(tmpdir(), "sparkwright-crash-spark-"));
const CHILD = join(import.meta.dirname, "second-retailer", "crash-child.ts");
let expected: Awaited<ReturnType<typeof ending>>;

beforeAll(async () => {
  const folder = await place("undisturbed");
  await child(folder, "never");
  expected = await ending(folder);
}, 300_000);

afterAll(() => rm(home, { recursive: true, force: true, maxRetries: 5 }));

test.for(quarterOf(["before submit", "after submit", "after publish", "before finish"]))(
  "killed %s, a run on real Spark resumes to the same end",
  { timeout: 600_000 },
  async (point) => {
    expect(expected).toMatchObject({ phase: "Succeeded", attempts: 1, sessions: 1 });
    const folder = await place(point.replace(" ", "-"));
    expect(await child(folder, point)).toBe("killed");
    const [run] = await openFolder(join(folder, "store")).listRuns();
    expect(await child(folder, "never", run?.name ?? "")).toBe("Succeeded");
    expect(await ending(folder)).toEqual(expected);
  },
);

async function place(name: string): Promise<string> {
  const folder = join(home, name);
  await makeSecondRetailer(folder);
  return folder;
}

async function child(folder: string, point: string, ...run: string[]): Promise<string> {
  try {
    return (await promisify(execFile)(process.execPath, [CHILD, folder, point, ...run])).stdout;
  } catch (error) {
    if ((error as { signal?: string }).signal === "SIGKILL") return "killed";
    throw error;
  }
}

async function ending(folder: string) {
  const store = openFolder(join(folder, "store"));
  const [record, ...others] = await store.listRuns();
  expect(others).toEqual([]);
  const status = await store.readStatus(record?.name ?? "");
  const log = readFileSync(join(store.attemptFolder(record?.name ?? "", "features", 1), "driver.log"), "utf8");
  const datasets = ["visit-lines", "customer-features"];
  return {
    phase: status?.phase,
    attempts: status?.steps["features"]?.attempts.length,
    outputs: status?.steps["features"]?.outputs,
    published: await Promise.all(
      datasets.map(async (dataset) => (await store.readPointer("default", dataset))?.version),
    ),
    moves: await Promise.all(datasets.map(async (dataset) => (await store.history("default", dataset)).length)),
    sessions: log.split("Running Spark version").length - 1,
  };
}
