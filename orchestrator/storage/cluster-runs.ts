/**
 * @module Runs of a cluster: the record is a Run object's spec, the status its status, the lock a Lease; long plans and the evidence of
 * failures lie in the store of the run's data. What a holder of the lock writes bears its term: once another one has taken over, nothing
 * of the former is accepted any more.
 */
import type { RunStatus } from "../engine/run-state.ts";
import { ConflictError, UnavailableError } from "../errors.ts";
import { canonical } from "../json.ts";
import type { RunObjectStatus } from "../kinds/run.ts";
import type { Connection } from "../kubernetes/connection.ts";
import { ANNOTATION, runName } from "../names.ts";
import { toText } from "./disk.ts";
import { filesAt, inParallel, readJson } from "./files.ts";
import type { FolderStore } from "./folder.ts";
import { exclusively } from "./lock.ts";
import { runApi, type RunApi } from "./run-api.ts";
import { documentsIn, type RunDocuments } from "./run-documents.ts";
import { driverNow, existing, leaseRun, type RunLease } from "./run-lease.ts";
import { objectOf, recordOf, type RunObject, statusObjectOf, statusOf } from "./run-object.ts";
import { nextSequence } from "./sequence.ts";
import type { Elsewhere, RunLock, RunRecord, RunStore } from "./store.ts";

/** Requests of cancel are looked for this often at most. */
const CANCEL_EVERY_MS = 1000;
/** Writes of others in a row that are only notes. */
const LOOKS = 10;
const never = new AbortController().signal;

/** Data, documents and pointers of `base` with the runs of a namespace. */
export function clusterStore(connection: Connection, namespace: string, base: FolderStore): FolderStore {
  return { ...base, ...runsOn(connection, namespace, base) };
}

interface Parts {
  connection: Connection;
  api: RunApi;
  base: FolderStore;
  documents: RunDocuments;
}

function runsOn(connection: Connection, namespace: string, base: FolderStore): RunStore {
  const api = runApi(connection, namespace);
  const parts: Parts = { connection, api, base, documents: documentsIn(base) };
  const { documents } = parts;
  const leases = new WeakMap<RunLock, Standing>();
  const record = async (run: RunObject) => recordOf(run, await documents.planOf(run));

  return {
    async readRun(name) {
      const run = await api.read(name);
      return run && record(run);
    },

    listRuns: async () => inParallel(await mine(parts), record),

    createRun: (definition, make, name) =>
      exclusively(base.disk, base.layout.sequenceLock, "the run number", () => create(parts, definition, make, name)),

    async readStatus(name) {
      const run = await api.read(name);
      if (run === undefined) return undefined;
      const { plan } = await record(run);
      return statusOf(run, plan, await documents.evidenceOf(run));
    },

    async writeStatus(lock, status) {
      const standing = leases.get(lock);
      if (standing === undefined)
        throw new ConflictError(`Cannot go on with run ${lock.run}: its lock is of another store`);
      return writeStatus(parts, standing, status);
    },

    async deleteRun(name) {
      const run = await api.read(name);
      if (run === undefined) return;
      const { lease } = await leaseRun(connection, api, name, false);
      await lease.assertHeld(never);
      // The object goes last, so that a removal that was cut short can be repeated.
      await base.disk.remove(base.layout.run(name));
      await api.remove(run);
      await lease.remove();
    },

    async lockRun(name, options) {
      const held = await leaseRun(connection, api, name, options?.force === true);
      const lock: RunLock = {
        run: name,
        assertHeld: () => held.lease.assertHeld(never),
        release: () => held.lease.release(),
      };
      leases.set(lock, { ...held, seen: held.run });
      return lock;
    },

    driverOf: (name) => driverNow(connection, namespace, name),

    ...cancelsOf(api),
  };
}

/** A request to cancel is an annotation of the run, so that whoever may patch runs can make one. */
function cancelsOf(api: RunApi): Pick<RunStore, "requestCancel" | "cancelRequested" | "withdrawCancel"> {
  const asked = new Map<string, { at: number; answer: boolean }>();
  return {
    async requestCancel(name) {
      const by = new Date().toISOString();
      if ((await api.annotate(name, ANNOTATION.cancel, by)) === undefined) await existing(api, name);
    },

    async cancelRequested(name) {
      const last = asked.get(name);
      if (last !== undefined && performance.now() - last.at < CANCEL_EVERY_MS) return last.answer;
      const at = performance.now();
      try {
        const answer = (await existing(api, name)).metadata.annotations?.[ANNOTATION.cancel] !== undefined;
        asked.set(name, { at, answer });
        return answer;
      } catch (error) {
        // Not to know is no request; the next look may tell.
        if (error instanceof UnavailableError) return false;
        throw error;
      }
    },

    async withdrawCancel(lock) {
      await lock.assertHeld();
      await api.annotate(lock.run, ANNOTATION.cancel, null);
      asked.delete(lock.run);
    },
  };
}

/** The runs whose data lie in this store. */
async function mine({ api, base }: Parts): Promise<RunObject[]> {
  return (await api.list()).filter(({ spec }) => spec.store === base.root);
}

async function create(
  parts: Parts,
  definition: string,
  make: Parameters<RunStore["createRun"]>[1],
  name: string | undefined,
): Promise<RunRecord> {
  const { api, base, documents } = parts;
  const last = async () => (await mine(parts)).at(-1)?.spec.sequence ?? 0;
  for (;;) {
    const sequence = await nextSequence(base.layout, base.disk, last);
    const made = make(name ?? runName(definition, sequence), sequence);
    const run = made.record.name;
    if (!(await reserve(parts, run))) {
      if (name === undefined) continue;
      throw exists(run, `${base.root} holds documents of an earlier one`);
    }
    const { object, documents: long } = objectOf(made.record, made.status, base.root);
    await documents.keep(run, long);
    try {
      return recordOf(await api.create(object), made.record.plan);
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
    }
    const there = await api.read(run);
    // An answer that got lost: no other run of this store has the number.
    if (there?.spec.store === base.root && there.spec.sequence === sequence) return recordOf(there, made.record.plan);
    // A run of another store in the same namespace has the name.
    if (name !== undefined) throw exists(run, `there is one of this name in namespace ${api.namespace}`);
  }
}

/** Marks the run's prefix as taken; false when an earlier run left documents there, which this one would take for its own. */
async function reserve({ connection, api, base }: Parts, run: string): Promise<boolean> {
  const { layout, disk } = base;
  const mark: Elsewhere = { namespace: api.namespace, server: connection.server };
  if (await disk.create(layout.elsewhere(run), toText(mark))) return true;
  const there = await readJson<Elsewhere>(layout.elsewhere(run));
  if (there?.namespace !== api.namespace) return false;
  // Made by a process that was killed before it created the run: then there is nothing else.
  const folder = layout.run(run);
  const files = await filesAt(folder).below(folder);
  const attempts = files.filter(({ path }) => path.slice(folder.length + 1).includes("/"));
  return attempts.length === 0 && (await api.read(run)) === undefined;
}

/** A held lock, with the run as it was when it was last read or written under it. */
interface Standing extends RunLease {
  /** Undefined when somebody else has written since. */
  seen: RunObject | undefined;
}

/**
 * Writes the status over the very revision that it follows from, and over nothing that a driver of a higher term has written. A write
 * whose answer got lost is recognised.
 */
async function writeStatus({ api, documents }: Parts, mine: Standing, status: RunStatus): Promise<RunStatus> {
  const name = mine.run.metadata.name;
  const next = { ...status, revision: status.revision + 1 };
  const { status: wanted, documents: evidence } = statusObjectOf(next, mine.driver);
  await documents.keep(name, evidence);
  for (let look = 1; ; look += 1) {
    if (mine.lease.isOver()) throw takenOver(name);
    const there = mine.seen ?? (await existing(api, name));
    if (there.status?.driver?.term !== mine.driver.term) throw takenOver(name, there.status);
    const revision = there.status.revision ?? 1;
    if (revision === next.revision && canonical(there.status) === canonical(wanted)) return next;
    if (revision !== status.revision) throw takenOver(name, there.status);
    try {
      const { metadata } = await api.writeStatus(name, there.metadata.resourceVersion ?? "", wanted);
      mine.seen = { ...there, metadata, status: wanted };
      return next;
    } catch (error) {
      mine.seen = undefined;
      // Somebody asks for its cancellation, or an answer got lost.
      if (!(error instanceof ConflictError) || look >= LOOKS) throw error;
    }
  }
}

function takenOver(run: string, there?: RunObjectStatus): ConflictError {
  return new ConflictError(
    `Cannot go on with run ${run}: ${there?.driver?.holder ?? "another process"} has taken over`,
  );
}

function exists(run: string, why: string): ConflictError {
  return new ConflictError(`Cannot create run ${run}: ${why}`);
}
