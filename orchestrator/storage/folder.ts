/** @module A store in a folder of this machine. */
import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { RejectedError } from "../errors.ts";
import { versionsIn } from "./datasets.ts";
import { disk as realDisk, readJson, type Disk } from "./disk.ts";
import { layoutOf, type Layout } from "./layout.ts";
import type { Params } from "./params.ts";
import { pointersIn } from "./pointers.ts";
import { readResult, type JobResult } from "./result.ts";
import { runsIn } from "./runs.ts";
import type { DatasetStore, RunStore } from "./store.ts";

export interface FolderStore extends RunStore, DatasetStore {
  /** Absolute. */
  readonly root: string;
  readonly layout: Layout;
  readonly disk: Disk;
  /** Folder of params.json, driver.log, progress.json, result.json and termination.json of an attempt. */
  attemptFolder(run: string, step: string, attempt: number): string;
  readParams(run: string, step: string, attempt: number): Promise<Params | undefined>;
  /** What the attempt reported, or in one line why there is nothing to rely on. */
  readResult(run: string, step: string, attempt: number): Promise<JobResult | string>;
}

/** Opens the store at `root`, relative to the working directory; creates nothing before the first write. */
export function openFolder(root: string, disk: Disk = realDisk): FolderStore {
  const absolute = resolve(root);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(root))
    throw new RejectedError(`Cannot open store ${root}: it is not a folder of this machine`);
  if (statSync(absolute, { throwIfNoEntry: false })?.isDirectory() === false) {
    throw new RejectedError(`Cannot open store ${absolute}: it is a file`, {
      remedy: "Choose another storage root in the target",
    });
  }
  const layout = layoutOf(absolute);
  const pointers = pointersIn(layout, disk);
  return {
    ...runsIn(layout, disk),
    ...versionsIn(layout, disk, pointers),
    ...pointers,
    root: absolute,
    layout,
    disk,
    attemptFolder: (run, step, attempt) => layout.attempt(run, step, attempt),
    readParams: (run, step, attempt) => readJson<Params>(join(layout.attempt(run, step, attempt), "params.json")),
    readResult: (run, step, attempt) => readResult(join(layout.attempt(run, step, attempt), "result.json")),
  };
}
