/** @module Versions of datasets, their pointers and the commits that made them, in a folder. */
import { stat } from "node:fs/promises";
import { RejectedError } from "../errors.ts";
import { namesIn, readJson, readText, toText, type Disk } from "./disk.ts";
import type { Layout } from "./layout.ts";
import { exclusively } from "./lock.ts";
import type { Commit, DatasetStore, DatasetSummary, Manifest, Move, Pointer } from "./store.ts";

export function datasetsIn(layout: Layout, disk: Disk): DatasetStore {
  const readManifest = (namespace: string, dataset: string, version: string) => readJson<Manifest>(layout.version(namespace, dataset, version));
  const readPointer = async (namespace: string, dataset: string): Promise<Pointer | undefined> => {
    const pointer = await readJson<Pointer>(layout.pointer(namespace, dataset));
    return pointer && { version: pointer.version, run: pointer.run, attempt: pointer.attempt, sequence: pointer.sequence, movedAt: pointer.movedAt };
  };
  const readCommit = (namespace: string, key: string) => readJson<Commit>(layout.commit(namespace, key));
  const versionNames = async (namespace: string, dataset: string) =>
    (await namesIn(layout.versions(namespace, dataset))).flatMap((name) => (name.endsWith(".json") ? [name.slice(0, -5)] : []));

  const history = async (namespace: string, dataset: string) => movesOf((await readText(layout.history(namespace, dataset))) ?? "");

  /** Pointer, then history: one that was killed in between is completed by whoever moves next. */
  const move = async (namespace: string, dataset: string, to: Move) => {
    const { action: _action, before: _before, by: _by, reason: _reason, ...pointer } = to;
    await disk.write(layout.pointer(namespace, dataset), toText({ ...pointer, move: to }));
    await disk.append(layout.history(namespace, dataset), JSON.stringify(to));
  };

  const moves = async (namespace: string, dataset: string): Promise<{ current: Pointer | undefined; done: Move[] }> => {
    const current = await readJson<Pointer & { move: Move }>(layout.pointer(namespace, dataset));
    const done = await history(namespace, dataset);
    if (current === undefined || JSON.stringify(done.at(-1)) === JSON.stringify(current.move)) return { current, done };
    await disk.append(layout.history(namespace, dataset), JSON.stringify(current.move));
    return { current, done: [...done, current.move] };
  };

  const alone = <T>(namespace: string, dataset: string, work: () => Promise<T>) =>
    exclusively(disk, layout.pointerLock(namespace, dataset), `the pointer of dataset ${dataset}`, work);

  return {
    readManifest,
    readPointer,
    history,
    readCommit,

    async listDatasets(namespace): Promise<DatasetSummary[]> {
      const names = await namesIn(layout.datasets(namespace));
      return Promise.all(
        names.map(async (dataset) => {
          const current = await readPointer(namespace, dataset);
          const versions = (await versionNames(namespace, dataset)).length;
          return { dataset, versions, ...(current === undefined ? {} : { current }) };
        }),
      );
    },

    async listVersions(namespace, dataset) {
      const found = await Promise.all((await versionNames(namespace, dataset)).map((version) => readManifest(namespace, dataset, version)));
      return found.filter((manifest) => manifest !== undefined).toSorted((a, b) => a.createdAt - b.createdAt);
    },

    async putManifest(namespace, manifest) {
      const path = layout.version(namespace, manifest.dataset, manifest.version);
      if (await disk.create(path, toText(manifest))) return;
      const there = await readManifest(namespace, manifest.dataset, manifest.version);
      // Equal content under an equal name: only where it lies may differ, and that matters when the older files are gone.
      if (there === undefined || (await missingFile(there)) !== undefined) await disk.write(path, toText(manifest));
    },

    publish: (namespace, dataset, to) =>
      alone(namespace, dataset, async () => {
        const { current, done } = await moves(namespace, dataset);
        // Done before the process was killed; a rollback since then stands.
        if (done.some((one) => one.action === "publish" && one.run === to.run && one.attempt === to.attempt && one.version === to.version)) return undefined;
        if (current !== undefined && current.sequence > to.sequence) return `run ${current.run}, which began later, has published ${current.version}`;
        await move(namespace, dataset, { ...to, action: "publish", ...(current === undefined ? {} : { before: current.version }) });
        return undefined;
      }),

    rollback: (namespace, dataset, { version, by, reason, now }) =>
      alone(namespace, dataset, async () => {
        const { current, done } = await moves(namespace, dataset);
        const refuse = (why: string) => new RejectedError(`Cannot roll back dataset ${dataset}: ${why}`, { remedy: `sparkwright dataset history ${dataset} lists what can be rolled back to` });
        if (current === undefined) throw refuse("it was never published");
        const to = done.findLast((one) => (version === undefined ? one.version !== current.version : one.version === version));
        if (to === undefined) throw refuse(version === undefined ? "there is no earlier version" : `version ${version} was never published`);
        const manifest = await readManifest(namespace, dataset, to.version);
        const missing = manifest === undefined ? "its manifest" : await missingFile(manifest);
        if (missing !== undefined) throw refuse(`${missing} of version ${to.version} is gone`);
        // The sequence stays: what was published by a later run is taken back on purpose, and runs older than that must not move it.
        const pointer: Pointer = { version: to.version, run: to.run, attempt: to.attempt, sequence: current.sequence, movedAt: now };
        await move(namespace, dataset, { ...pointer, action: "rollback", before: current.version, by, ...(reason === undefined ? {} : { reason }) });
        return pointer;
      }),

    async putCommit(namespace, commit, options = {}) {
      const path = layout.commit(namespace, commit.cacheKey);
      if (options.replace === true) await disk.write(path, toText(commit));
      else if (!(await disk.create(path, toText(commit)))) return (await readCommit(namespace, commit.cacheKey)) ?? commit;
      return commit;
    },
  };
}

/** Path of a file of the version that is not there with its size; undefined when all are. Contents are not read. */
export async function missingFile(manifest: Manifest): Promise<string | undefined> {
  for (const file of manifest.files) {
    const found = await stat(file.path).catch(() => undefined);
    if (found?.isFile() !== true || found.size !== file.size) return file.path;
  }
  return undefined;
}

/** Lines of a history; what a crash left unfinished is passed over. */
function movesOf(text: string): Move[] {
  return text.split("\n").flatMap((line) => {
    try {
      return line === "" ? [] : [JSON.parse(line) as Move];
    } catch {
      return [];
    }
  });
}
