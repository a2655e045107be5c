import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { systemClock } from "../orchestrator/clock.ts";
import { ConflictError } from "../orchestrator/errors.ts";
import type { Plan } from "../orchestrator/plan/plan.ts";
import { drive } from "../orchestrator/runner/drive.ts";
import { startRun } from "../orchestrator/runner/start.ts";
import { missingFile } from "../orchestrator/storage/datasets.ts";
import { openFolder } from "../orchestrator/storage/folder.ts";
import { collectGarbage } from "../orchestrator/storage/garbage.ts";
import { chain, NAMESPACE, options, packageFolder, planWith, stepOf } from "./stand-in/plan.ts";

const home = mkdtempSync(join(tmpdir(), "sparkwright-garbage-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

function bench() {
  const folder = mkdtempSync(join(home, "case-"));
  const store = openFolder(join(folder, "store"));
  const run = async (plan: Plan) => {
    const { name } = await startRun(store, plan, { clock: systemClock, packageFolder });
    await drive(name, options(store, join(folder, "starts")));
    return name;
  };
  const collect = (dryRun: boolean, change: { keepMoves?: number; graceMs?: number } = {}) =>
    collectGarbage(store, { dryRun, now: Date.now() + 1000, graceMs: 0, ...change });
  return {
    folder,
    store,
    run,
    collect,
    kinds: async (change = {}) => (await collect(true, change)).map(({ kind }) => kind),
  };
}

describe("collectGarbage()", () => {
  test("what a run or a pointer names stays, also what it was made from", async () => {
    const { folder, run, kinds, store, collect } = bench();
    await run(chain(folder));
    expect(await kinds()).toEqual([]);
    await store.deleteRun("walk-1");
    // The pointers still name its versions; only what was read from outside and the code are named by nothing now.
    expect(await kinds()).toEqual(["version", "code"]);
    await collect(false);
    for (const dataset of ["first", "second", "third"]) {
      const [manifest] = await store.listVersions(NAMESPACE, dataset);
      expect(manifest === undefined ? "no version" : await missingFile(manifest)).toBeUndefined();
    }
  });

  test("the data of a failed attempt goes, once", async () => {
    const { run, collect, store } = bench();
    await run(planWith([stepOf("only", { settings: { attempts: ["cut", "succeed"] } })]));
    const garbage = await collect(true);
    expect(garbage).toMatchObject([{ kind: "data", path: join(store.root, "data/default/walk-1/only/1"), bytes: 3 }]);
    expect(existsSync(garbage[0]?.path ?? "")).toBe(true);
    expect(await collect(false)).toEqual(garbage);
    expect(existsSync(garbage[0]?.path ?? "")).toBe(false);
    expect(await collect(false)).toEqual([]);
  });

  test("an old version goes with its commit and data when its run is deleted and no rollback reaches it", async () => {
    const { run, kinds, store, collect } = bench();
    for (const text of ["a", "b", "c"]) await run(planWith([stepOf("only", { settings: { text } })]));
    await store.deleteRun("walk-1");
    expect(await kinds()).toEqual([]);
    expect(await kinds({ keepMoves: 2 })).toEqual(["commit", "version", "data"]);
    await collect(false, { keepMoves: 2 });
    expect(await store.listVersions(NAMESPACE, "only")).toHaveLength(2);
    expect(await store.rollback(NAMESPACE, "only", { by: "me", now: 1 })).toMatchObject({ run: "walk-2" });
    // What was collected is made again, not looked for in vain.
    await run(planWith([stepOf("only", { settings: { text: "a" } })]));
    expect(await store.listVersions(NAMESPACE, "only")).toHaveLength(3);
  });

  test("what is young or of an unfinished run stays", async () => {
    const { folder, run, kinds, store } = bench();
    await run(planWith([stepOf("only", { settings: { attempts: ["cut", "cut"] } })]));
    expect(await kinds({ graceMs: 3_600_000 })).toEqual([]);
    const { name } = await startRun(store, chain(folder), { clock: systemClock, packageFolder });
    const path = join(store.root, "data", NAMESPACE, name, "first", "1");
    await store.disk.write(join(path, "part"), "half written");
    expect((await kinds()).filter((kind) => kind === "data")).toHaveLength(2);
  });

  test("nothing is removed while a run is driven", async () => {
    const { folder, store, collect } = bench();
    writeFileSync(join(folder, "x"), "");
    const { name } = await startRun(store, chain(folder), { clock: systemClock, packageFolder });
    const lock = await store.lockRun(name);
    await expect(collect(false)).rejects.toBeInstanceOf(ConflictError);
    await lock.release();
    expect(await collect(false)).toEqual([]);
  });
});
