/** @module Run records, statuses, locks and cancel requests. */
import type { RunStatus } from "../engine/run-state.ts";
import { ConflictError } from "../errors.ts";
import { runName } from "../names.ts";
import { toText, type Disk } from "./disk.ts";
import { namesIn, readJson, readMarked, readText, replace } from "./files.ts";
import type { Layout } from "./layout.ts";
import { exclusively, ownerOf, takeLock } from "./lock.ts";
import { nextSequence } from "./sequence.ts";
import type { RunRecord, RunStore } from "./store.ts";

export function runsIn(layout: Layout, disk: Disk): RunStore {
  const readRun = (name: string) => readJson<RunRecord>(layout.record(name));

  const listRuns = async () => {
    const records = await Promise.all((await namesIn(layout.runs)).map(readRun));
    return records.filter((record) => record !== undefined).toSorted((a, b) => a.sequence - b.sequence);
  };

  const lastSequence = async () => (await listRuns()).at(-1)?.sequence ?? 0;

  /** Mark of the status that is there, where the disk can compare. Throws ConflictError when it is not the one to be replaced. */
  const markOf = async (name: string, status: RunStatus) => {
    if (disk.swap === undefined) return undefined;
    const { value, mark } = await readMarked<RunStatus>(layout.status(name));
    if (value?.revision === status.revision) return mark;
    throw new ConflictError(`Cannot go on with run ${name}: another process has written its status`);
  };

  return {
    readRun,
    listRuns,

    createRun: (definition, make, name) =>
      exclusively(disk, layout.sequenceLock, "the run number", async () => {
        if (name !== undefined && (await readRun(name)) !== undefined) throw exists(name);
        const sequence = await nextSequence(layout, disk, lastSequence);
        const { record, status } = make(name ?? runName(definition, sequence), sequence);
        // The record makes it a run; a status without one means nothing.
        await disk.write(layout.status(record.name), toText(status));
        if (!(await disk.create(layout.record(record.name), toText(record)))) throw exists(record.name);
        return record;
      }),

    readStatus: (name) => readJson<RunStatus>(layout.status(name)),

    async writeStatus(lock, status) {
      await lock.assertHeld();
      const next = { ...status, revision: status.revision + 1 };
      await replace(disk, layout.status(lock.run), toText(next), await markOf(lock.run, status));
      return next;
    },

    async deleteRun(name) {
      if ((await readRun(name)) === undefined) return;
      const lock = await takeLock(disk, layout.runLock(name), `run ${name}`);
      await lock.assertHeld();
      await disk.remove(layout.run(name));
    },

    async lockRun(name, options) {
      const lock = await takeLock(disk, layout.runLock(name), `run ${name}`, options);
      return { ...lock, run: name };
    },

    driverOf: (name) => ownerOf(layout.runLock(name)),

    requestCancel: async (name) => void (await disk.create(layout.cancel(name), toText({}))),

    cancelRequested: async (name) => (await readText(layout.cancel(name))) !== undefined,

    async withdrawCancel(lock) {
      await lock.assertHeld();
      await disk.remove(layout.cancel(lock.run));
    },
  };
}

function exists(name: string): ConflictError {
  return new ConflictError(`Cannot create run ${name}: there is one of this name`);
}
