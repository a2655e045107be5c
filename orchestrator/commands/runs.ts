/** @module Runs as people name them, with their status, for the verbs that show or change one. */
import { RejectedError } from "../errors.ts";
import type { Target } from "../kinds/target.ts";
import { nearest } from "../nearest.ts";
import type { RunSheet, StepRow } from "../report/run.ts";
import { stepRows } from "../report/run.ts";
import type { Cluster } from "../storage/cluster.ts";
import { openStoreAt, type FolderStore } from "../storage/folder.ts";
import type { RunRecord } from "../storage/store.ts";
import { clusterSuffix, isOnCluster, placeSuffix, type PlaceFlags, storeFolder, type StoreFlag } from "./flags.ts";
import type { Terminal } from "./terminal.ts";

/** The store that the flags mean. */
export function openStore(flag: StoreFlag, terminal: Terminal): FolderStore {
  return openStoreAt(storeFolder(flag, terminal));
}

/** The runs of a cluster; its client is loaded when it is asked for. */
export async function openPlace({ namespace, context }: PlaceFlags): Promise<Cluster> {
  const { openCluster } = await import("../storage/cluster.ts");
  return openCluster({ namespace, context });
}

export interface Found {
  store: FolderStore;
  record: RunRecord;
}

/** The run that a verb is about, with its store. Raises as `findRun`, and UnavailableError for a cluster that cannot keep runs. */
export async function openRun(flags: PlaceFlags, asked: string, terminal: Terminal): Promise<Found> {
  if (!isOnCluster(flags)) {
    const store = openStore(flags, terminal);
    return { store, record: await findRun(store, asked, terminal) };
  }
  const cluster = await openPlace(flags);
  const exact = asked === LATEST ? undefined : await cluster.find(asked);
  if (exact !== undefined) return exact;
  const { namespace } = cluster;
  const all = await cluster.overview({ onProblem: () => undefined });
  const suffix = clusterSuffix({ namespace, ...(flags.context === undefined ? {} : { context: flags.context }) });
  const { name } = chooseRun(all, asked, `namespace ${namespace}`, suffix);
  const found = await cluster.find(name);
  if (found === undefined) throw new RejectedError(`Cannot find run "${name}": it was deleted meanwhile`);
  return found;
}

/** The target of a run; on a cluster reached the way the run was found, whatever the context is called elsewhere. */
export function targetOf({ store, record }: Found): Target {
  const { context: _elsewhere, ...target } = record.plan.target.spec;
  if (store.cluster === undefined) return record.plan.target.spec;
  const { context } = store.cluster;
  return { ...target, ...(context === undefined ? {} : { context }) };
}

const LATEST = "@latest";

/** The record of a run by its name, a prefix that only it has, or `@latest`. Raises RejectedError with the nearest name. */
export async function findRun(store: FolderStore, asked: string, terminal: Terminal): Promise<RunRecord> {
  const exact = asked === LATEST ? undefined : await store.readRun(asked);
  return exact ?? chooseRun(await store.listRuns(), asked, store.root, placeSuffix(store, terminal));
}

/** Pure part of `findRun`; `records` are oldest first. */
export function chooseRun<Run extends { name: string }>(
  records: Run[],
  asked: string,
  root: string,
  suffix: string,
): Run {
  const refuse = (why: string) =>
    new RejectedError(`Cannot find run "${asked}": ${why}`, { remedy: `sparkwright get runs${suffix} lists them` });
  const latest = records.at(-1);
  if (latest === undefined) {
    throw new RejectedError(`Cannot find run "${asked}": there are no runs in ${root}`, {
      remedy: "Name another store with --store, a cluster's namespace with -n, or start one with `sparkwright run`",
    });
  }
  if (asked === LATEST) return latest;
  const matching = records.filter((record) => record.name === asked || record.name.startsWith(asked));
  const [only, ...others] = matching
    .filter((record) => record.name === asked)
    .concat(matching.filter((record) => record.name !== asked));
  if (only !== undefined && (others.length === 0 || only.name === asked)) return only;
  if (only !== undefined) throw refuse(`it may be ${matching.map((record) => record.name).join(", ")}`);
  const near = nearest(
    asked,
    records.map((record) => record.name),
  );
  throw refuse(near === undefined ? `the latest is ${latest.name}` : `did you mean "${near}"?`);
}

/** A run with its status and whether anybody drives it. */
export async function sheetOf(store: FolderStore, record: RunRecord): Promise<RunSheet> {
  // In this order: a driver that ends its run in between has written so before it let go.
  const driver = await store.driverOf(record.name);
  const status = await store.readStatus(record.name);
  const isOver = status !== undefined && status.phase !== "Running";
  const driven = isOver ? undefined : driver !== undefined;
  return { ...record, ...(status === undefined ? {} : { status }), ...(driven === undefined ? {} : { driven }) };
}

/** A step of a run by name. Raises RejectedError with the nearest name. */
export function findStep(run: RunSheet, asked: string): StepRow {
  const rows = stepRows(run);
  const row = rows.find((one) => one.step.name === asked);
  if (row !== undefined) return row;
  const names = rows.map((one) => one.step.name);
  const near = nearest(asked, names);
  throw new RejectedError(
    `Cannot find step "${asked}" in ${run.name}: ${near === undefined ? `it has ${names.join(", ")}` : `did you mean "${near}"?`}`,
  );
}
