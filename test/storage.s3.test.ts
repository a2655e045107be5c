/** Runs, pointers and versions of a store, in a folder and in a bucket of a real S3 server alike. */
import { describe, expect, test } from "vitest";
import type { RunStatus } from "../orchestrator/engine/run-state.ts";
import { ConflictError, RejectedError } from "../orchestrator/errors.ts";
import { missingFile } from "../orchestrator/storage/datasets.ts";
import { filesAt } from "../orchestrator/storage/files.ts";
import { openStoreAt, type FolderStore } from "../orchestrator/storage/folder.ts";
import { isInBucket, joined } from "../orchestrator/storage/layout.ts";
import type { Manifest, Pointer } from "../orchestrator/storage/store.ts";
import { kinds } from "./s3/kinds.ts";
import { planWith, stepOf } from "./stand-in/plan.ts";

const NS = "default";
const STATUS: RunStatus = { phase: "Running", startedAt: 0, revision: 1, pinned: {}, code: {}, steps: {} };

async function version(store: FolderStore, name: string, text = name): Promise<Manifest> {
  const path = joined(store.root, `${name}.bin`);
  await store.disk.write(path, text);
  const mark = (await filesAt(path).look(path))?.mark;
  const file = { path, size: text.length, etag: "sha256:0", ...(mark === undefined ? {} : { mark }) };
  const manifest = { dataset: "d", version: name, format: "model" as const, columns: [], partitionBy: [] };
  return { ...manifest, files: [file], createdAt: 0 };
}

const pointer = (sequence: number, to = `v-${sequence}`): Pointer => ({
  version: to,
  run: `run-${sequence}`,
  attempt: 1,
  sequence,
  movedAt: sequence,
});

const createRun = (store: FolderStore, name?: string) =>
  store.createRun(
    "offers",
    (given, sequence) => ({
      record: {
        name: given,
        sequence,
        plan: planWith([stepOf("one")]),
        createdAt: sequence,
        date: "2017-01-01",
        drivenBy: "cli",
      },
      status: STATUS,
    }),
    name,
  );

describe.each(kinds())("$name", ({ place }) => {
  const fresh = (): FolderStore => openStoreAt(place());

  describe("runs", () => {
    test("numbers are given once, and found again from the runs when the counter is lost", async () => {
      const store = fresh();
      const made = await Promise.all([1, 2, 3, 4].map(() => createRun(store)));
      expect(made.map((run) => run.sequence).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4]);
      await store.disk.write(store.layout.sequence, "garbage");
      expect((await createRun(store)).name).toBe("offers-5");
      expect((await store.listRuns()).map((run) => run.sequence)).toEqual([1, 2, 3, 4, 5]);
    });

    test("a name is given once", async () => {
      const store = fresh();
      await createRun(store, "mine");
      await expect(createRun(store, "mine")).rejects.toBeInstanceOf(ConflictError);
    });

    test("only the holder of the lock writes the status", async () => {
      const store = fresh();
      const { name } = await createRun(store);
      const lock = await store.lockRun(name);
      const second = await store.writeStatus(lock, STATUS);
      expect(second.revision).toBe(2);
      expect((await store.driverOf(name))?.pid).toBe(process.pid);
      await expect(store.deleteRun(name)).rejects.toThrow(String(process.pid));
      await lock.release();
      await expect(store.writeStatus(lock, second)).rejects.toBeInstanceOf(ConflictError);
      await store.deleteRun(name);
      expect(await store.readRun(name)).toBeUndefined();
      expect(await filesAt(store.root).below(store.layout.run(name))).toEqual([]);
    });

    test("a request to cancel is seen and withdrawn", async () => {
      const store = fresh();
      const { name } = await createRun(store);
      expect(await store.cancelRequested(name)).toBe(false);
      await store.requestCancel(name);
      await store.requestCancel(name);
      expect(await store.cancelRequested(name)).toBe(true);
      const lock = await store.lockRun(name);
      await store.withdrawCancel(lock);
      expect(await store.cancelRequested(name)).toBe(false);
      await lock.release();
    });

    test("a document that is no JSON is said so", async () => {
      const store = fresh();
      const { name } = await createRun(store);
      await store.disk.write(store.layout.status(name), "{");
      await expect(store.readStatus(name)).rejects.toThrow(/it is not JSON/);
    });
  });

  describe("pointers and versions", () => {
    test("a run that began earlier does not move a newer pointer back", async () => {
      const store = fresh();
      expect(await store.publish(NS, "d", pointer(2))).toBeUndefined();
      expect(await store.publish(NS, "d", pointer(1))).toMatch(/run run-2, which began later, has published v-2/);
      expect((await store.readPointer(NS, "d"))?.version).toBe("v-2");
    });

    test("publishing again changes nothing, not even after a rollback", async () => {
      const store = fresh();
      for (const sequence of [1, 2]) await store.putManifest(NS, await version(store, `v-${sequence}`));
      for (const sequence of [1, 2, 2]) await store.publish(NS, "d", pointer(sequence));
      await store.rollback(NS, "d", { by: "me", reason: "bad offers", now: 9 });
      await store.publish(NS, "d", pointer(2));
      expect(await store.readPointer(NS, "d")).toMatchObject({ version: "v-1", sequence: 2 });
      expect((await store.history(NS, "d")).map((move) => move.action)).toEqual(["publish", "publish", "rollback"]);
    });

    test("a move that was killed before its history was written is added by the next", async () => {
      const store = fresh();
      await store.publish(NS, "d", pointer(1));
      await store.disk.remove(store.layout.history(NS, "d"));
      await store.publish(NS, "d", pointer(2));
      expect((await store.history(NS, "d")).map((move) => move.version)).toEqual(["v-1", "v-2"]);
    });

    test("of runs that publish at once, the last begun wins, whoever comes first", async () => {
      const store = fresh();
      await Promise.all([3, 1, 5, 2, 4].map((sequence) => store.publish(NS, "d", pointer(sequence))));
      expect((await store.readPointer(NS, "d"))?.version).toBe("v-5");
      const moves = (await store.history(NS, "d")).map((move) => move.sequence);
      expect(moves).toEqual(moves.toSorted((a, b) => a - b));
    });

    test("a version stays as it is, unless its files are gone or others", async () => {
      const store = fresh();
      const kept = await version(store, "v-1");
      await store.putManifest(NS, kept);
      const other = { ...(await version(store, "elsewhere")), version: "v-1" };
      await store.putManifest(NS, other);
      expect(await store.readManifest(NS, "d", "v-1")).toEqual(kept);
      expect(await missingFile(kept)).toBeUndefined();
      await store.disk.remove(kept.files[0]?.path ?? "");
      expect(await missingFile(kept)).toBe(kept.files[0]?.path);
      await store.putManifest(NS, other);
      expect(await store.readManifest(NS, "d", "v-1")).toEqual(other);
      expect(await store.listDatasets(NS)).toMatchObject([{ dataset: "d", versions: 1 }]);
    });

    test("a commit exists once", async () => {
      const store = fresh();
      const commit = { cacheKey: "k", run: "run-1", step: "s", attempt: 1, sequence: 1, committedAt: 0 };
      const rest = { outputs: {}, inputs: {}, metrics: {}, tables: [], notes: [] };
      const mine = await store.putCommit(NS, { ...commit, ...rest });
      expect(await store.putCommit(NS, { ...commit, ...rest, run: "run-2" })).toEqual(mine);
      expect((await store.putCommit(NS, { ...commit, ...rest, run: "run-3" }, { replace: true })).run).toBe("run-3");
    });

    test("a bad name is refused, not looked for", () => {
      expect(() => fresh().readRun("../etc")).toThrow(RejectedError);
    });

    test("a file of the same size in the place of another is noticed, where its mark tells", async () => {
      const store = fresh();
      const kept = await version(store, "v-1", "one");
      await store.disk.write(kept.files[0]?.path ?? "", "two");
      expect(await missingFile(kept)).toBe(isInBucket(store.root) ? kept.files[0]?.path : undefined);
    });
  });
});
