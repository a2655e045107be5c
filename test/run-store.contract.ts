/** What a store of runs promises, wherever it keeps them: in a folder, or as objects of a cluster. */
import { describe, expect, test } from "vitest";
import type { RunStatus } from "../orchestrator/engine/run-state.ts";
import { ConflictError } from "../orchestrator/errors.ts";
import type { FolderStore } from "../orchestrator/storage/folder.ts";
import type { RunRecord } from "../orchestrator/storage/store.ts";
import { planWith, stepOf } from "./stand-in/plan.ts";

const NOW = Date.UTC(2026, 10, 23);

/** Creates a run of two steps in the store. */
export function createRun(store: FolderStore, namespace: string, name?: string): Promise<RunRecord> {
  const plan = planWith([stepOf("one"), stepOf("two", { reads: { one: "one" } })]);
  const target = { ...plan.target, spec: { ...plan.target.spec, namespace } };
  const make = (given: string, sequence: number) => ({
    record: {
      name: given,
      sequence,
      plan: { ...plan, target },
      createdAt: NOW,
      date: "2026-11-23",
      drivenBy: "cli" as const,
      from: "earlier",
    },
    status: initial(),
  });
  return store.createRun("offers", make, name);
}

function initial(): RunStatus {
  return {
    phase: "Running",
    startedAt: NOW,
    revision: 1,
    pinned: { raw: "v-1" },
    code: { one: "c1" },
    steps: { one: { phase: "Waiting", attempts: [] }, two: { phase: "Waiting", attempts: [] } },
  };
}

/** A status with something in every field. */
export function fullStatus(revision: number): RunStatus {
  const failure = {
    class: "OutOfMemory" as const,
    cause: "the driver ran out of memory",
    evidence: ["exit code 137", "Traceback …\n  MemoryError"],
    remedy: "Give it more",
  };
  const times = { recordedAt: NOW + 1, submittedAt: NOW + 2, pendingAt: NOW + 3, startedAt: NOW + 4, endedAt: NOW + 5 };
  return {
    ...initial(),
    revision,
    phase: "Failed",
    endedAt: NOW + 60_123,
    cancelRequested: true,
    steps: {
      one: {
        phase: "Failed",
        reason: "OutOfMemory: the driver ran out of memory",
        attempts: [
          {
            number: 1,
            application: "offers-1-one-1-0a",
            phase: "Ended",
            ...times,
            since: NOW + 5,
            memoryFactor: 1,
            failure,
          },
          {
            number: 2,
            application: "offers-1-one-2-0b",
            phase: "Running",
            recordedAt: NOW,
            since: NOW,
            memoryFactor: 1.5,
          },
        ],
        earlierAttempts: 1,
        cacheKey: "k1",
        inputs: { raw: { dataset: "raw", version: "v-1" } },
        outputs: { one: "v-2" },
        unpublished: { one: "a newer run has published" },
        startedAt: NOW + 1,
        endedAt: NOW + 9,
      },
      two: {
        phase: "Backoff",
        attempts: [],
        cachedFrom: { run: "offers-0", attempt: 1 },
        readyAt: NOW + 7,
        notBefore: NOW + 8,
        failure: { class: "ConfigError", cause: "no such input", evidence: [] },
      },
    },
  };
}

/** `open` gives a store of its own, which two processes may share: what it returns twice sees the same runs. */
export function runStoreContract(name: string, namespace: () => string, open: () => Promise<() => FolderStore>): void {
  describe(`runs in ${name}`, () => {
    test("are numbered, also when several are made at once", async () => {
      const store = await open();
      await Promise.all([1, 2, 3, 4].map(() => createRun(store(), namespace())));
      expect((await store().listRuns()).map((run) => `${run.name} ${run.sequence}`)).toEqual(
        [1, 2, 3, 4].map((number) => `offers-${number} ${number}`),
      );
    });

    test("are read as they were made", async () => {
      const store = await open();
      const made = await createRun(store(), namespace());
      const read = await store().readRun(made.name);
      expect(read).toEqual(made);
      expect(read).toMatchObject({ date: "2026-11-23", from: "earlier", plan: { sample: null } });
      expect(await store().readStatus(made.name)).toEqual({ ...initial(), startedAt: expect.any(Number) as number });
      expect(await store().readRun("nobody")).toBeUndefined();
      expect(await store().readStatus("nobody")).toBeUndefined();
    });

    test("have a name once", async () => {
      const store = await open();
      await createRun(store(), namespace(), "mine");
      await expect(createRun(store(), namespace(), "mine")).rejects.toBeInstanceOf(ConflictError);
    });

    test("keep every field of a status", async () => {
      const store = await open();
      const { name: run } = await createRun(store(), namespace());
      const lock = await store().lockRun(run);
      await lock.release();
      const mine = store();
      const own = await mine.lockRun(run);
      const written = await mine.writeStatus(own, fullStatus(1));
      expect(written).toEqual(fullStatus(2));
      expect(await store().readStatus(run)).toEqual(fullStatus(2));
      await own.release();
    });

    test("have one driver, and only that one writes", async () => {
      const store = await open();
      const { name: run } = await createRun(store(), namespace());
      const mine = store();
      const lock = await mine.lockRun(run);
      expect(await store().driverOf(run)).toMatchObject({ pid: process.pid });
      await expect(store().lockRun(run)).rejects.toThrow(String(process.pid));
      await expect(store().deleteRun(run)).rejects.toBeInstanceOf(ConflictError);
      expect((await mine.writeStatus(lock, initial())).revision).toBe(2);
      await lock.release();
      await lock.release();
      expect(await store().driverOf(run)).toBeUndefined();
      await expect(mine.writeStatus(lock, { ...initial(), revision: 2 })).rejects.toBeInstanceOf(ConflictError);
      await expect(lock.assertHeld()).rejects.toBeInstanceOf(ConflictError);
      await (await store().lockRun(run)).release();
    });

    test("of several that take the lock at once, one has it", async () => {
      const store = await open();
      const { name: run } = await createRun(store(), namespace());
      const taken = await Promise.allSettled(Array.from({ length: 8 }, () => store().lockRun(run)));
      const held = taken.filter((one) => one.status === "fulfilled");
      expect(held).toHaveLength(1);
      await held[0]?.value.assertHeld();
      await held[0]?.value.release();
    });

    test("are cancelled on request, which can be withdrawn", async () => {
      const store = await open();
      const { name: run } = await createRun(store(), namespace());
      expect(await store().cancelRequested(run)).toBe(false);
      await store().requestCancel(run);
      await store().requestCancel(run);
      expect(await store().cancelRequested(run)).toBe(true);
      const mine = store();
      const lock = await mine.lockRun(run);
      // A request that comes between two writes of the driver hinders neither.
      await mine.writeStatus(lock, initial());
      await store().requestCancel(run);
      expect((await mine.writeStatus(lock, { ...initial(), revision: 2 })).revision).toBe(3);
      await mine.withdrawCancel(lock);
      expect(await store().cancelRequested(run)).toBe(false);
      await lock.release();
    });

    test("are gone when they are deleted", async () => {
      const store = await open();
      const { name: run } = await createRun(store(), namespace());
      await store().deleteRun(run);
      await store().deleteRun(run);
      expect(await store().readRun(run)).toBeUndefined();
      expect(await store().listRuns()).toEqual([]);
      expect((await createRun(store(), namespace())).name).toBe("offers-2");
    });
  });
}
