/** @module What nothing refers to any more. Kept is what a run, a pointer or a recent move of one names, and whatever those versions are made of. */
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { RunStatus } from "../engine/run-state.ts";
import { ConflictError, RejectedError } from "../errors.ts";
import { filesAt, namesIn, readJson } from "./files.ts";
import type { FolderStore } from "./folder.ts";
import { isInBucket, joined } from "./layout.ts";
import { exclusively } from "./lock.ts";
import type { Commit, Elsewhere, Manifest, RunRecord } from "./store.ts";

export interface Garbage {
  kind: "commit" | "version" | "data" | "code";
  /** Absolute. */
  path: string;
  bytes: number;
  /** One line. */
  reason: string;
}

export interface GarbageOptions {
  /** Only tell what would go. */
  dryRun: boolean;
  now: number;
  /** Moves of each pointer whose versions stay, so that a rollback can reach them. Default 10. */
  keepMoves?: number;
  /** What is younger stays, since somebody may be about to refer to it, in ms. Default one hour. */
  graceMs?: number;
}

const HOUR_MS = 3_600_000;

interface Run {
  record: RunRecord;
  status: RunStatus | undefined;
}

/** Finds garbage and, unless `dryRun`, removes it: what refers before what is referred to. Throws ConflictError while a run is driven. */
export async function collectGarbage(store: FolderStore, options: GarbageOptions): Promise<Garbage[]> {
  await assertWhole(store);
  if (options.dryRun) return findGarbage(store, options);
  return exclusively(store.disk, store.layout.garbageLock, "garbage collection", async () => {
    for (const { name } of await store.listRuns()) {
      const driver = await store.driverOf(name);
      if (driver !== undefined)
        throw new ConflictError(`Cannot collect garbage: process ${driver.pid} drives run ${name}`);
    }
    const garbage = await findGarbage(store, options);
    for (const one of garbage) await store.disk.remove(one.path);
    return garbage;
  });
}

/** Throws RejectedError when runs that may need these data are known elsewhere. */
async function assertWhole({ root, layout, cluster }: FolderStore): Promise<void> {
  for (const run of await namesIn(layout.runs)) {
    const elsewhere = await readJson<Elsewhere>(layout.elsewhere(run));
    if (elsewhere === undefined || elsewhere.namespace === cluster?.namespace) continue;
    throw new RejectedError(
      `Cannot collect garbage in ${root}: run ${run} is an object in namespace ${elsewhere.namespace} of ${elsewhere.server}`,
      { remedy: `sparkwright gc --store ${root} -n ${elsewhere.namespace}` },
    );
  }
}

async function findGarbage(store: FolderStore, options: GarbageOptions): Promise<Garbage[]> {
  const runs = await Promise.all(
    (await store.listRuns()).map(async (record): Promise<Run> => ({
      record,
      status: await store.readStatus(record.name),
    })),
  );
  const namespaces = new Set([
    ...(await namesIn(joined(store.root, "datasets"))),
    ...(await namesIn(joined(store.root, "data"))),
    ...(await namesIn(joined(store.root, "commits"))),
  ]);
  const found: Garbage[] = [];
  for (const namespace of namespaces) found.push(...(await inNamespace(store, namespace, runs, options)));
  const isUsed = (digest: string) => runs.some(({ status }) => Object.values(status?.code ?? {}).includes(digest));
  for (const digest of await namesIn(store.layout.codes)) {
    if (!isUsed(digest))
      found.push(...(await old("code", store.layout.code(digest), "no run was given this code", options)));
  }
  const order: Garbage["kind"][] = ["commit", "version", "data", "code"];
  return found.toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
}

async function inNamespace(
  store: FolderStore,
  namespace: string,
  runs: Run[],
  options: GarbageOptions,
): Promise<Garbage[]> {
  const { layout } = store;
  const mine = runs.filter(({ record }) => record.plan.target.spec.namespace === namespace);
  const unfinished = new Set(mine.filter(({ status }) => status?.phase === "Running").map(({ record }) => record.name));
  const named = await namedVersions(store, namespace, mine, options);
  const found: Garbage[] = [];
  const kept: Manifest[] = [];
  for (const { dataset } of await store.listDatasets(namespace)) {
    for (const manifest of await store.listVersions(namespace, dataset)) {
      const isKept = named.has(`${dataset}@${manifest.version}`) || unfinished.has(manifest.madeBy?.run ?? "");
      const gone = isKept
        ? []
        : await old(
            "version",
            layout.version(namespace, dataset, manifest.version),
            `no run or pointer names version ${manifest.version} of ${dataset}`,
            options,
          );
      if (gone.length === 0) kept.push(manifest);
      found.push(...gone);
    }
  }
  const isKept = (dataset: string, version: string) =>
    kept.some((manifest) => manifest.dataset === dataset && manifest.version === version);
  for (const name of await namesIn(layout.commits(namespace))) {
    const path = joined(layout.commits(namespace), name);
    const commit = await readJson<Commit>(path);
    const lost = Object.entries(commit?.outputs ?? {}).find(([dataset, version]) => !isKept(dataset, version));
    if (lost !== undefined)
      found.push(...(await old("commit", path, `version ${lost[1]} of ${lost[0]} is garbage`, options)));
  }
  const files = new Set(kept.flatMap((manifest) => manifest.files.map((file) => file.path)).flatMap(above));
  for (const folder of await attemptFolders(layout.data(namespace))) {
    const isOfUnfinished = unfinished.has(folder.run);
    if (!isOfUnfinished && !files.has(folder.path))
      found.push(...(await old("data", folder.path, "no version has a file of this attempt", options)));
  }
  return found;
}

/** `dataset@version` of all that runs and pointers name. */
async function namedVersions(
  store: FolderStore,
  namespace: string,
  runs: Run[],
  options: GarbageOptions,
): Promise<Set<string>> {
  const named = new Set<string>();
  const add = (versions: Record<string, string>) =>
    Object.entries(versions).forEach(([dataset, version]) => named.add(`${dataset}@${version}`));
  for (const { status } of runs) {
    add(status?.pinned ?? {});
    for (const step of Object.values(status?.steps ?? {})) {
      add(step.outputs ?? {});
      for (const { dataset, version } of Object.values(step.inputs ?? {})) named.add(`${dataset}@${version}`);
    }
  }
  for (const { dataset, current } of await store.listDatasets(namespace)) {
    if (current !== undefined) named.add(`${dataset}@${current.version}`);
    for (const move of (await store.history(namespace, dataset)).slice(-(options.keepMoves ?? 10)))
      named.add(`${dataset}@${move.version}`);
  }
  return named;
}

/** The folders a file lies in. */
function above(path: string): string[] {
  const folders: string[] = [];
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) folders.push(folder);
  return folders;
}

async function attemptFolders(data: string): Promise<{ path: string; run: string }[]> {
  const found: { path: string; run: string }[] = [];
  for (const run of await namesIn(data)) {
    for (const step of await namesIn(joined(data, run))) {
      for (const attempt of await namesIn(joined(data, run, step)))
        found.push({ path: joined(data, run, step, attempt), run });
    }
  }
  return found;
}

/** The garbage, unless it is too young to tell. */
async function old(
  kind: Garbage["kind"],
  path: string,
  reason: string,
  { now, graceMs = HOUR_MS }: GarbageOptions,
): Promise<Garbage[]> {
  const found = await newestIn(path);
  if (found === undefined || now - found.changedAt < graceMs) return [];
  return [{ kind, path, bytes: found.bytes, reason }];
}

/** When a file or folder changed last, and its bytes; undefined when it is gone. */
async function newestIn(path: string): Promise<{ changedAt: number; bytes: number } | undefined> {
  const files = filesAt(path);
  const file = await files.look(path);
  if (file !== undefined) return { changedAt: file.changedAt, bytes: file.size };
  // A folder of this machine has a time of its own; in a bucket there are only the objects.
  const folder = isInBucket(path) ? undefined : await stat(path).catch(() => undefined);
  const inside = await files.below(path);
  if (folder === undefined && inside.length === 0) return undefined;
  const changedAt = folder?.mtimeMs ?? Math.max(...inside.map((entry) => entry.changedAt));
  return { changedAt, bytes: inside.reduce((sum, entry) => sum + entry.size, 0) };
}
