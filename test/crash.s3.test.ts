/** kill -9 of the driving process after writes to a store in a bucket, then resume: the end is that of an undisturbed run. */
import { execFile } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { systemClock } from "../orchestrator/clock.ts";
import { drive } from "../orchestrator/runner/drive.ts";
import { startRun } from "../orchestrator/runner/start.ts";
import { openStoreAt } from "../orchestrator/storage/folder.ts";
import { backendIn, chainIn } from "./s3/bench.ts";
import { environmentOf, startServer, type S3Server } from "./s3/server.ts";
import { NAMESPACE, packageFolder, starts } from "./stand-in/plan.ts";

const DATASETS = ["first", "second"];
/** Of the writes of a run, each of so many is the last of a process. */
const EVERY = 4;
const home = mkdtempSync(join(tmpdir(), "sparkwright-s3-crash-"));
let server: S3Server;

beforeAll(async () => {
  server = await startServer();
  await server.makeBucket("crash");
  for (const [name, value] of Object.entries(environmentOf(server.endpoint))) vi.stubEnv(name, value);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await server.stop();
  await rm(home, { recursive: true, force: true, maxRetries: 5 });
});

/** Runs the child; tells how many writes it made, or undefined when it was killed. */
async function child(place: string, root: string, last: number): Promise<number | undefined> {
  const program = join(import.meta.dirname, "s3", "crash-child.ts");
  try {
    return Number((await promisify(execFile)(process.execPath, [program, place, root, String(last)])).stdout);
  } catch (error) {
    if ((error as { signal?: string }).signal === "SIGKILL") return undefined;
    throw error;
  }
}

/** What a user does after a crash: start again when there is no run yet, resume otherwise. */
async function resume(place: string, root: string): Promise<void> {
  const store = openStoreAt(root);
  const options = { clock: systemClock, packageFolder };
  const run = (await store.listRuns()).at(-1) ?? (await startRun(store, await chainIn(store), options));
  const backend = backendIn(place, store, server.endpoint);
  await drive(run.name, { store, backend, environment: "python-test", every: 20 });
}

async function ending(place: string, root: string) {
  const store = openStoreAt(root);
  const [run, ...others] = await store.listRuns();
  expect(others).toEqual([]);
  const status = await store.readStatus(run?.name ?? "");
  return {
    phase: status?.phase,
    steps: Object.entries(status?.steps ?? {}).map(([name, step]) => [name, step.phase, step.attempts.length]),
    published: await Promise.all(
      DATASETS.map(async (dataset) => (await store.readPointer(NAMESPACE, dataset))?.version),
    ),
    moves: await Promise.all(DATASETS.map(async (dataset) => (await store.history(NAMESPACE, dataset)).length)),
    starts: starts(join(place, "starts")),
  };
}

test("killed after a write, a run resumes to the same end", { timeout: 600_000 }, async () => {
  const at = (name: string) => [mkdtempSync(join(home, `${name}-`)), `s3a://crash/${name}`] as const;
  const [place, root] = at("reference");
  const writes = (await child(place, root, 0)) ?? 0;
  const expected = await ending(place, root);
  expect(expected).toMatchObject({ phase: "Succeeded", moves: [1, 1], starts: ["first/1", "second/1"] });
  expect(writes).toBeGreaterThan(30);
  for (let last = 1; last <= writes; last += EVERY) {
    const [folder, prefix] = at(`kill-${last}`);
    expect(await child(folder, prefix, last), `not killed at write ${last}`).toBeUndefined();
    await resume(folder, prefix);
    expect({ last, ...(await ending(folder, prefix)) }).toEqual({ last, ...expected });
  }
});
