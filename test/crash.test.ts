/**
 * kill -9 of the driving process after each of its writes and submissions, then resume: the end is that of an undisturbed run.
 * Before a write is after the one before it: nothing else reaches the world in between.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { systemClock } from "../orchestrator/clock.ts";
import { drive } from "../orchestrator/runner/drive.ts";
import { startRun } from "../orchestrator/runner/start.ts";
import { openFolder } from "../orchestrator/storage/folder.ts";
import { quarterOf } from "../scripts/quarter.mjs";
import { chain, NAMESPACE, options, packageFolder, starts } from "./stand-in/plan.ts";

const DATASETS = ["first", "second", "third"];
const AT_ONCE = 2;
const home = mkdtempSync(join(tmpdir(), "sparkwright-crash-"));
// A driver that was about to write when its test failed may still add files.
afterAll(() => rm(home, { recursive: true, force: true, maxRetries: 5 }));

interface Ending {
  phase: string | undefined;
  steps: [string, string, number][];
  versions: Record<string, string[]>;
  published: (string | undefined)[];
  moves: string[][];
  commits: number;
  starts: string[];
}

/** Runs the child; tells how many writes it made, or undefined when it was killed. */
async function child(folder: string, last: number, ...run: string[]): Promise<number | undefined> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [
      join(import.meta.dirname, "stand-in", "crash-child.ts"),
      folder,
      String(last),
      ...run,
    ]);
    return Number(stdout);
  } catch (error) {
    if ((error as { signal?: string }).signal === "SIGKILL") return undefined;
    throw error;
  }
}

/** What a user does after a crash: start again when there is no run yet, resume otherwise. */
async function resume(folder: string): Promise<Ending> {
  const store = openFolder(join(folder, "store"));
  const run =
    (await store.listRuns()).at(-1) ?? (await startRun(store, chain(folder), { clock: systemClock, packageFolder }));
  await drive(run.name, options(store, join(folder, "starts")));
  return ending(folder);
}

async function ending(folder: string): Promise<Ending> {
  const store = openFolder(join(folder, "store"));
  const runs = await store.listRuns();
  expect(runs.length).toBe(1);
  const status = await store.readStatus(runs[0]?.name ?? "");
  const versions = await Promise.all(
    DATASETS.map(
      async (dataset) => [dataset, (await store.listVersions(NAMESPACE, dataset)).map((one) => one.version)] as const,
    ),
  );
  const moves = await Promise.all(
    DATASETS.map(async (dataset) => (await store.history(NAMESPACE, dataset)).map((move) => move.version)),
  );
  return {
    phase: status?.phase,
    steps: Object.entries(status?.steps ?? {}).map(([name, step]) => [name, step.phase, step.attempts.length]),
    versions: Object.fromEntries(versions),
    published: await Promise.all(
      DATASETS.map(async (dataset) => (await store.readPointer(NAMESPACE, dataset))?.version),
    ),
    moves,
    commits: readdirSync(join(folder, "store", "commits", NAMESPACE)).filter((name) => !name.startsWith(".")).length,
    starts: starts(join(folder, "starts")),
  };
}

async function atOnce<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
    }),
  );
}

function place(name: string): string {
  return mkdtempSync(join(home, `${name}-`));
}

test("killed after any write, a run resumes to the same end", { timeout: 600_000 }, async () => {
  const reference = place("reference");
  const writes = await child(reference, 0);
  const expected = await ending(reference);
  expect(expected).toMatchObject({ phase: "Succeeded", commits: 3, starts: ["first/1", "second/1", "third/1"] });
  expect(writes).toBeGreaterThan(40);

  const points = Array.from({ length: writes ?? 0 }, (_, at) => at + 1);
  await atOnce(quarterOf(points), async (last) => {
    const folder = place(`kill-${last}`);
    expect(await child(folder, last), `not killed at write ${last}`).toBeUndefined();
    expect({ last, ...(await resume(folder)) }).toEqual({ last, ...expected });
  });
});

test("killed again while it resumes, a run still ends the same", { timeout: 300_000 }, async () => {
  const reference = place("reference");
  await child(reference, 0);
  const expected = await ending(reference);
  const pairs = [9, 14, 21, 33].flatMap((first) => [1, 3, 6].map((second) => ({ first, second })));
  await atOnce(quarterOf(pairs), async ({ first, second }) => {
    const folder = place(`twice-${first}-${second}`);
    await child(folder, first);
    const run = (await openFolder(join(folder, "store")).listRuns())[0]?.name;
    expect(run).toBeDefined();
    await child(folder, second, run ?? "");
    expect({ first, second, ...(await resume(folder)) }).toEqual({ first, second, ...expected });
  });
});

test("the status is always whole and small", async () => {
  const folder = place("small");
  await child(folder, 30);
  const path = join(folder, "store", "runs", "walk-1", "status.json");
  expect(readFileSync(path).length).toBeLessThan(4000);
  expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({ phase: "Running" });
});
