/**
 * @module What is kept between two moments of a run: records, documents of attempts, dataset versions, pointers, commits.
 * `disk.ts` keeps it in a folder, `bucket.ts` in a bucket. Every write is one atomic step, so that a kill between any two leaves a state from which `resume` goes on.
 *
 * Layout below the root:
 *   sequence                                            next run number
 *   runs/<run>/run.json  status.json  cancel.json       plan (immutable), status, a request of another process
 *   runs/<run>/lock/<n>.json                            who drives it: the owner of the highest number
 *   runs/<run>/cluster.json                             in place of these: the record is a Run object of a cluster
 *   runs/<run>/<digest>.json                            evidence and plans that are too long for that object
 *   runs/<run>/<step>/<attempt>/…                       params.json, driver.log, progress.json, result.json, termination.json, started.json, exit.json
 *   runs/<run>/<step>/work                              folder of checkpoints, kept between attempts
 *   data/<namespace>/<run>/<step>/<attempt>/<role>/…    what a job wrote
 *   datasets/<namespace>/<dataset>/versions/<v>.json    immutable manifest
 *   datasets/<namespace>/<dataset>/current.json         pointer, compare-and-set
 *   datasets/<namespace>/<dataset>/history.jsonl        pointer moves, append-only
 *   commits/<namespace>/<cache key>.json                one object per committed step, covers all its outputs
 *   code/<digest>/code.zip and the main file            packed code
 *   fingerprints.json                                   digests of files outside, by path, size, times and inode
 */
import type { Plan } from "../plan/plan.ts";
import type { RunStatus } from "../engine/run-state.ts";
import type { ProcessIdentity } from "../process.ts";

export interface RunRecord {
  name: string;
  sequence: number;
  plan: Plan;
  createdAt: number;
  /** The day it began, as `${run.date}` says it. */
  date: string;
  /** Who drives it: `cli` here. */
  drivenBy: "cli" | "controller";
  /** Run whose committed steps stand for those not asked for (`--from`). */
  from?: string;
  /** Identity of the Run object, of a run of a cluster. */
  uid?: string;
}

/** Lies below the prefix of a run whose record is in a cluster, and says in which. */
export interface Elsewhere {
  namespace: string;
  /** Address of the API server. */
  server: string;
}

/** A run with its status, as lists show it. */
export interface RunOverview extends RunRecord {
  status?: RunStatus;
  /** Whether a live process drives it; absent when it is over. */
  driven?: boolean;
}

export interface FileEntry {
  /** Absolute path or URI. */
  path: string;
  size: number;
  /** `sha256:` and hex; of data from outside in a bucket `s3:` and the ETag there. */
  etag: string;
  rows?: number;
  partition?: Record<string, string>;
  /** In a bucket: the ETag the object had when it was looked at. Tells without reading that it was replaced since. */
  mark?: string;
}

/** An immutable version of a dataset. `version` is a digest of contents, so equal data has one version. */
export interface Manifest {
  dataset: string;
  version: string;
  format: "parquet" | "csv" | "model";
  columns: { name: string; type: string }[];
  partitionBy: string[];
  rows?: number;
  /** What its dataset asked to be counted of each column; not part of the version's digest. */
  profile?: { column: string; nulls: number; distinct: number; min: string | null; max: string | null }[];
  files: FileEntry[];
  /** Lineage: who made it; absent for data from outside. */
  madeBy?: { run: string; step: string; attempt: number };
  createdAt: number;
}

/** All outputs of one successful step. Exists or does not; never half. */
export interface Commit {
  cacheKey: string;
  run: string;
  step: string;
  attempt: number;
  sequence: number;
  /** Dataset to version. */
  outputs: Record<string, string>;
  /** Role to version read. */
  inputs: Record<string, { dataset: string; version: string }>;
  metrics: Record<string, number>;
  tables: { title: string; columns: string[]; rows: (string | number | null)[][] }[];
  notes: string[];
  committedAt: number;
}

export interface Pointer {
  version: string;
  run: string;
  /** Attempt of the step in that run; 0 when the version was found in the cache. */
  attempt: number;
  /** Sequence of the run; a pointer is never moved by a run of a lower one, except by `dataset rollback`. */
  sequence: number;
  movedAt: number;
}

/** A process that holds a lock: enough to tell whether it still lives, also after its pid has been given away again. */
export interface Owner extends ProcessIdentity {
  host: string;
  /** Processes of another namespace (a container) cannot be looked up; empty where there are none. */
  pidNamespace: string;
}

/** Held by the one process that drives a run. */
export interface RunLock {
  readonly run: string;
  /** Raises ConflictError when another process has taken over meanwhile. Asked before every write about the run. */
  assertHeld(): Promise<void>;
  /** Gives it back; doing so twice is the same as once. */
  release(): Promise<void>;
}

/** One move of a pointer, as `history.jsonl` keeps it. */
export interface Move extends Pointer {
  action: "publish" | "rollback";
  /** Version before the move. */
  before?: string;
  /** Who asked for a rollback, and why. */
  by?: string;
  reason?: string;
}

/** A dataset as `dataset list` shows it. */
export interface DatasetSummary {
  dataset: string;
  /** Absent for data from outside and for what was never published. */
  current?: Pointer;
  versions: number;
}

export interface RunStore {
  /** Gives the run its number and writes its record and first status. The name is `<definition>-<sequence>` unless given; ConflictError when that one is taken. */
  createRun(
    definition: string,
    make: (name: string, sequence: number) => { record: RunRecord; status: RunStatus },
    name?: string,
  ): Promise<RunRecord>;
  readRun(name: string): Promise<RunRecord | undefined>;
  /** Oldest first, by sequence. */
  listRuns(): Promise<RunRecord[]>;
  readStatus(name: string): Promise<RunStatus | undefined>;
  /** Writes the status with revision + 1 and returns it so; only the holder of the lock may. */
  writeStatus(lock: RunLock, status: RunStatus): Promise<RunStatus>;
  /** Removes record and documents; versions and data stay for `gc`. Refused (ConflictError) while somebody drives it. */
  deleteRun(name: string): Promise<void>;
  /** Takes the run's lock; ConflictError names the process that holds it. `force` takes it from an owner that cannot be looked up (another host). */
  lockRun(name: string, options?: { force?: boolean }): Promise<RunLock>;
  /** The live process that drives it now, if any. */
  driverOf(name: string): Promise<Owner | undefined>;
  /** Asks whoever drives the run to cancel it. */
  requestCancel(name: string): Promise<void>;
  cancelRequested(name: string): Promise<boolean>;
  /** Withdraws it, before a retry. */
  withdrawCancel(lock: RunLock): Promise<void>;
}

export interface VersionStore {
  listDatasets(namespace: string): Promise<DatasetSummary[]>;
  readManifest(namespace: string, dataset: string, version: string): Promise<Manifest | undefined>;
  /** Oldest first. */
  listVersions(namespace: string, dataset: string): Promise<Manifest[]>;
  /** Keeps a manifest. An equal version that is there already stays, unless its files are gone. */
  putManifest(namespace: string, manifest: Manifest): Promise<void>;
  readCommit(namespace: string, key: string): Promise<Commit | undefined>;
  /** Creates the commit; when there is one already, returns that. `replace` is for one whose files are gone. */
  putCommit(namespace: string, commit: Commit, options?: { replace?: boolean }): Promise<Commit>;
}

export interface PointerStore {
  readPointer(namespace: string, dataset: string): Promise<Pointer | undefined>;
  /** Moves of the pointer, oldest first. */
  history(namespace: string, dataset: string): Promise<Move[]>;
  /** Moves the pointer unless a run of a higher sequence did so before; returns why it was left where it is. Repeating it is the same as doing it once. */
  publish(namespace: string, dataset: string, to: Pointer): Promise<string | undefined>;
  /** Points to a version that was published before; RejectedError for any other. Without a version: the one before the current. */
  rollback(
    namespace: string,
    dataset: string,
    options: { version?: string; by: string; reason?: string; now: number },
  ): Promise<Pointer>;
}

export interface DatasetStore extends VersionStore, PointerStore {}
