/** Whole runs with their store in a bucket: real loop, store and S3 server; jobs write with the jobs' own Python; spark-submit is stood in for. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { systemClock } from "../orchestrator/clock.ts";
import type { RunStatus } from "../orchestrator/engine/run-state.ts";
import { UnavailableError } from "../orchestrator/errors.ts";
import type { Json } from "../orchestrator/json.ts";
import type { Plan } from "../orchestrator/plan/plan.ts";
import { drive } from "../orchestrator/runner/drive.ts";
import { startRun } from "../orchestrator/runner/start.ts";
import { filesAt } from "../orchestrator/storage/files.ts";
import { openStoreAt, type FolderStore } from "../orchestrator/storage/folder.ts";
import { collectGarbage } from "../orchestrator/storage/garbage.ts";
import { backendIn, chainIn } from "./s3/bench.ts";
import { first, startProxy, type Proxy } from "./s3/proxy.ts";
import { environmentOf, startServer, type S3Server } from "./s3/server.ts";
import { NAMESPACE, packageFolder, starts } from "./stand-in/plan.ts";

const home = mkdtempSync(join(tmpdir(), "sparkwright-s3-run-"));
let server: S3Server;
let proxy: Proxy;
let place: string;
let store: FolderStore;
let cases = 0;

beforeAll(async () => {
  server = await startServer();
  await server.makeBucket("store");
  proxy = await startProxy(server.endpoint);
  for (const [name, value] of Object.entries(environmentOf(proxy.endpoint))) vi.stubEnv(name, value);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await proxy.stop();
  await server.stop();
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
});
beforeEach(() => {
  place = mkdtempSync(join(home, "case-"));
  store = openStoreAt(`s3a://store/case-${(cases += 1)}`);
});
afterEach(() => {
  proxy.fault = () => undefined;
});

const chain = (settings: { [key: string]: Json } = {}) => chainIn(store, settings);
const begin = async (plan: Plan) => (await startRun(store, plan, { clock: systemClock, packageFolder })).name;
const finish = (run: string, patienceMs = 0): Promise<RunStatus> => {
  const backend = backendIn(place, store, server.endpoint);
  return drive(run, { store, backend, environment: "python-test", every: 20, patienceMs });
};
const published = async (dataset: string) => (await store.readPointer(NAMESPACE, dataset))?.version;

describe("a run with its store in a bucket", { timeout: 120_000 }, () => {
  test("makes versions, commits and pointers, and a second one takes them from the cache", async () => {
    const run = await begin(await chain());
    const status = await finish(run);
    expect(status.phase).toBe("Succeeded");
    expect(starts(join(place, "starts"))).toEqual(["first/1", "second/1"]);
    expect(await published("second")).toBe(status.steps["second"]?.outputs?.["second"]);
    const manifest = await store.readManifest(NAMESPACE, "second", (await published("second")) ?? "");
    expect(manifest).toMatchObject({
      rows: 10,
      files: [{ path: `${store.root}/data/default/${run}/second/1/second/part-0.parquet` }],
    });
    const params = await store.readParams(run, "first", 1);
    expect(params?.inputs["raw"]?.files).toMatchObject([{ path: `${store.root}/lake/raw/part-0.csv`, size: 8 }]);
    expect(await store.readResult(run, "second", 1)).toMatchObject({ metrics: { seen: 10 } });
    // The code lies there by its digest, as a cluster fetches it.
    expect((await filesAt(store.root).below(store.layout.codes)).map(({ path }) => path.split("/").at(-1))).toContain(
      "code.zip",
    );
    const again = await finish(await begin(await chain()));
    expect(Object.values(again.steps).map((step) => step.phase)).toEqual(["Cached", "Cached"]);
    expect(starts(join(place, "starts"))).toEqual(["first/1", "second/1"]);
  });

  test.for([
    ["deleted", "delete", /is not there/],
    ["cut", "cut", /bytes, the result says/],
    ["changed", "change", /another content than the result says/],
  ] as const)("an output that was %s is not taken", async ([, attempt, cause]) => {
    const plan = await chain({ attempts: [attempt, attempt] });
    const status = await finish(await begin(plan));
    expect(status.steps["first"]?.attempts[0]?.failure).toMatchObject({ class: "OutputMissing" });
    expect(status.steps["first"]?.attempts[0]?.failure?.cause).toMatch(cause);
    expect(await published("first")).toBeUndefined();
  });

  test("data from outside that is replaced meanwhile is not taken for what was pinned", async () => {
    const run = await begin(await chain());
    await store.disk.write(`${store.root}/lake/raw/part-0.csv`, "a;b\n9;9\n");
    const status = await finish(run);
    expect(status.steps["first"]?.attempts[0]?.failure).toMatchObject({
      class: "ConfigError",
      cause: expect.stringContaining("part-0.csv of dataset raw changed"),
    });
  });

  test("a server that stumbles is asked again, and nothing is done twice", async () => {
    const plan = await chain();
    let at = 0;
    // Every ninth request fails, every tenth is done without an answer.
    proxy.fault = () => ((at += 1) % 9 === 0 ? { answer: 503 } : at % 10 === 0 ? { lost: true } : undefined);
    const run = await begin(plan);
    const status = await finish(run, 30_000);
    proxy.fault = () => undefined;
    expect(status.phase).toBe("Succeeded");
    expect(starts(join(place, "starts"))).toEqual(["first/1", "second/1"]);
    expect((await store.history(NAMESPACE, "second")).map((move) => move.run)).toEqual([run]);
    expect(await store.listRuns()).toHaveLength(1);
  });

  test("a server that goes away leaves the run to be resumed", async () => {
    const run = await begin(await chain());
    proxy.fault = (asked) => (asked.includes("/commits/") ? { answer: 500 } : undefined);
    await expect(finish(run)).rejects.toBeInstanceOf(UnavailableError);
    proxy.fault = () => undefined;
    const status = await finish(run);
    expect(status.phase).toBe("Succeeded");
    expect(starts(join(place, "starts"))).toEqual(["first/1", "second/1"]);
  });

  test("a run whose record is removed leaves its data to gc", async () => {
    const run = await begin(await chain({ attempts: ["delete", "succeed"] }));
    expect((await finish(run)).phase).toBe("Succeeded");
    const collect = (dryRun: boolean) => collectGarbage(store, { dryRun, now: Date.now() + 5000, graceMs: 0 });
    expect(await collect(true)).toEqual([]);
    await store.deleteRun(run);
    expect(await filesAt(store.root).below(store.layout.run(run))).toEqual([]);
    expect((await collect(false)).map(({ kind }) => kind)).toEqual(["version", "code"]);
    expect(await collect(true)).toEqual([]);
    expect((await finish(await begin(await chain()))).phase).toBe("Succeeded");
  });

  test("what a first answer lost says is not taken for somebody else's", async () => {
    proxy.fault = first(1, "PUT /store", { lost: true });
    expect(await store.disk.create(`${store.root}/mine.json`, "mine")).toBe(true);
    proxy.fault = () => undefined;
    expect(await store.disk.create(`${store.root}/mine.json`, "mine")).toBe(false);
  });
});
