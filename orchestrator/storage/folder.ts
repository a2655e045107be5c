/** @module A store in a folder of this machine or in a bucket. */
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { RejectedError } from "../errors.ts";
import { placeOf } from "./bucket-place.ts";
import { versionsIn } from "./datasets.ts";
import { disk as realDisk, type Disk } from "./disk.ts";
import { filesAt, readJson } from "./files.ts";
import { isInBucket, joined, layoutOf, type Layout } from "./layout.ts";
import type { Params } from "./params.ts";
import { pointersIn } from "./pointers.ts";
import { readResult, type JobResult } from "./result.ts";
import { runsIn } from "./runs.ts";
import type { DatasetStore, RunStore } from "./store.ts";

export interface FolderStore extends RunStore, DatasetStore {
  /** Where its runs are, when they are objects of a cluster. */
  readonly cluster?: { namespace: string; context?: string };
  /** An absolute path, or `s3a://bucket/prefix` without a slash at the end. */
  readonly root: string;
  readonly layout: Layout;
  readonly disk: Disk;
  /** Folder or URI of params.json, driver.log, progress.json, result.json and termination.json of an attempt. */
  attemptFolder(run: string, step: string, attempt: number): string;
  readParams(run: string, step: string, attempt: number): Promise<Params | undefined>;
  /** What the attempt reported, or in one line why there is nothing to rely on. */
  readResult(run: string, step: string, attempt: number): Promise<JobResult | string>;
}

/** Opens the store at `root`: `s3a://bucket/prefix`, or a folder, relative to the working directory. Touches nothing in a bucket before it is used. */
export function openStoreAt(root: string, disk?: Disk): FolderStore {
  if (!isInBucket(root)) return openFolder(root, disk);
  const trimmed = root.replace(/\/+$/, "");
  placeOf(trimmed);
  return storeIn(trimmed, disk ?? filesAt(trimmed));
}

/** Opens the store in the folder `root`, relative to the working directory; creates nothing before the first write. */
export function openFolder(root: string, disk: Disk = realDisk): FolderStore {
  const absolute = resolve(root);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(root))
    throw new RejectedError(`Cannot open store ${root}: it is not a folder of this machine`);
  if (statSync(absolute, { throwIfNoEntry: false })?.isDirectory() === false) {
    throw new RejectedError(`Cannot open store ${absolute}: it is a file`, {
      remedy: "Choose another storage root in the target",
    });
  }
  return storeIn(absolute, disk);
}

function storeIn(root: string, disk: Disk): FolderStore {
  const layout = layoutOf(root);
  const pointers = pointersIn(layout, disk);
  return {
    ...runsIn(layout, disk),
    ...versionsIn(layout, disk, pointers),
    ...pointers,
    root,
    layout,
    disk,
    attemptFolder: (run, step, attempt) => layout.attempt(run, step, attempt),
    readParams: (run, step, attempt) => readJson<Params>(joined(layout.attempt(run, step, attempt), "params.json")),
    readResult: (run, step, attempt) => readResult(joined(layout.attempt(run, step, attempt), "result.json")),
  };
}
