/** @module Versions of datasets and the commits that made them, in a folder. */
import { toText, type Disk } from "./disk.ts";
import { filesAt, inParallel, namesIn, readJson } from "./files.ts";
import type { Layout } from "./layout.ts";
import type { Commit, DatasetSummary, Manifest, PointerStore, VersionStore } from "./store.ts";

export function versionsIn(layout: Layout, disk: Disk, pointers: Pick<PointerStore, "readPointer">): VersionStore {
  const readManifest = (namespace: string, dataset: string, version: string) =>
    readJson<Manifest>(layout.version(namespace, dataset, version));
  const readCommit = (namespace: string, key: string) => readJson<Commit>(layout.commit(namespace, key));
  const namesOfVersions = async (namespace: string, dataset: string) =>
    (await namesIn(layout.versions(namespace, dataset)))
      .filter((name) => name.endsWith(".json"))
      .map((name) => name.slice(0, -".json".length));

  return {
    readManifest,
    readCommit,

    async listDatasets(namespace) {
      const summary = async (dataset: string): Promise<DatasetSummary> => {
        const current = await pointers.readPointer(namespace, dataset);
        const versions = (await namesOfVersions(namespace, dataset)).length;
        return { dataset, versions, ...(current === undefined ? {} : { current }) };
      };
      return Promise.all((await namesIn(layout.datasets(namespace))).map(summary));
    },

    async listVersions(namespace, dataset) {
      const names = await namesOfVersions(namespace, dataset);
      const found = await Promise.all(names.map((version) => readManifest(namespace, dataset, version)));
      return found.filter((manifest) => manifest !== undefined).toSorted((a, b) => a.createdAt - b.createdAt);
    },

    async putManifest(namespace, manifest) {
      const path = layout.version(namespace, manifest.dataset, manifest.version);
      if (await disk.create(path, toText(manifest))) return;
      const there = await readManifest(namespace, manifest.dataset, manifest.version);
      // Equal content under an equal name: only where it lies may differ, and that matters when the older files are gone.
      if (there === undefined || (await missingFile(there)) !== undefined) await disk.write(path, toText(manifest));
      // The same rows, which nobody had asked to profile before.
      else if (there.profile === undefined && manifest.profile !== undefined)
        await disk.write(path, toText({ ...there, profile: manifest.profile }));
    },

    async putCommit(namespace, commit, options = {}) {
      const path = layout.commit(namespace, commit.cacheKey);
      if (options.replace === true) await disk.write(path, toText(commit));
      else if (!(await disk.create(path, toText(commit)))) {
        return (await readCommit(namespace, commit.cacheKey)) ?? commit;
      }
      return commit;
    },
  };
}

/** Path of a file of the version that is not there with its size; undefined when all are. Contents are not read. */
export async function missingFile(manifest: Manifest): Promise<string | undefined> {
  const missing = await inParallel(manifest.files, async ({ path, size, mark }) => {
    const found = await filesAt(path).look(path);
    const isReplaced = mark !== undefined && found?.mark !== undefined && found.mark !== mark;
    return found?.size !== size || isReplaced ? [path] : [];
  });
  return missing.flat()[0];
}
