/** @module Data from outside, fixed at the start of a run: its files with digests become a version like any other. */
import { stat, readdir } from "node:fs/promises";
import { isAbsolute, join, relative } from "node:path";
import { RejectedError } from "../errors.ts";
import type { DatasetShape } from "../plan/plan.ts";
import type { Fingerprints } from "./fingerprint.ts";
import { inside } from "./layout.ts";
import { versionOf } from "./manifest.ts";
import type { FileEntry, Manifest } from "./store.ts";

/** Absolute folder of an installed Python package. */
export type PackageFolder = (name: string) => Promise<string>;

/**
 * The manifest of a file or folder as it is now. A folder is listed once, here; names that begin with `.` or `_` are no data.
 * Throws RejectedError when nothing is there.
 */
export async function pin(
  shape: DatasetShape,
  external: { path: string; package?: string },
  options: { fingerprints: Fingerprints; packageFolder: PackageFolder; now: number },
): Promise<Manifest> {
  const { dataset, format, columns, partitionBy } = shape;
  const root = await locate(dataset, external, options.packageFolder);
  const found = await stat(root).catch(() => undefined);
  if (found === undefined)
    throw refuse(
      dataset,
      `${root} is not there`,
      "Correct the dataset's path or the target's source, or put the data there",
    );
  const paths = found.isDirectory() ? await filesBelow(root) : [root];
  if (paths.length === 0)
    throw refuse(dataset, `folder ${root} has no files`, "Put the data there, or correct the dataset's path");
  const files: (FileEntry & { name: string })[] = [];
  for (const path of paths) {
    const name = found.isDirectory() ? relative(root, path) : "";
    files.push({
      path,
      name,
      ...(await options.fingerprints.of(path).catch(unreadable(dataset, path))),
      ...partitionIn(shape, name),
    });
  }
  const version = versionOf({ format, columns, partitionBy, files });
  return {
    dataset,
    version,
    format,
    columns,
    partitionBy,
    files: files.map(({ name: _name, ...entry }) => entry),
    createdAt: options.now,
  };
}

async function locate(
  dataset: string,
  { path, package: name }: { path: string; package?: string },
  packageFolder: PackageFolder,
): Promise<string> {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(path)) {
    throw refuse(
      dataset,
      `${path} is not on this machine`,
      "Run on a target that reaches it, or give the source a local path",
    );
  }
  if (name === undefined) {
    if (isAbsolute(path)) return path;
    throw refuse(dataset, `${path} is not an absolute path`, "Correct the target's source");
  }
  const full = inside(await packageFolder(name), path);
  if (full === undefined) throw refuse(dataset, `${path} leads out of package ${name}`, "Correct the target's source");
  return full;
}

async function filesBelow(root: string): Promise<string[]> {
  const found = await readdir(root, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(
      (path) =>
        !relative(root, path)
          .split("/")
          .some((part) => part.startsWith(".") || part.startsWith("_")),
    )
    .toSorted();
}

/** Partition values from folders such as date=2017-01-31. */
function partitionIn({ dataset, partitionBy }: DatasetShape, name: string): { partition?: Record<string, string> } {
  if (partitionBy.length === 0) return {};
  const pairs = name
    .split("/")
    .slice(0, -1)
    .flatMap((folder) => (folder.includes("=") ? [folder.split("=", 2).map(decodeURIComponent)] : []));
  const values = Object.fromEntries(pairs) as Record<string, string>;
  const partition = partitionBy.flatMap((column) => (values[column] === undefined ? [] : [[column, values[column]]]));
  if (partition.length < partitionBy.length) {
    throw refuse(
      dataset,
      `${name} is not in folders for ${partitionBy.join(", ")}, such as ${partitionBy[0]}=VALUE/`,
      "Correct partitionBy of the dataset",
    );
  }
  return { partition: Object.fromEntries(partition) as Record<string, string> };
}

function unreadable(dataset: string, path: string): (error: unknown) => never {
  return (cause) => {
    throw new RejectedError(`Cannot pin dataset ${dataset}: ${path} cannot be read (${String(cause)})`, {
      remedy: "Give the user who runs Sparkwright the right to read it",
      cause,
    });
  };
}

function refuse(dataset: string, why: string, remedy: string): RejectedError {
  return new RejectedError(`Cannot pin dataset ${dataset}: ${why}`, { remedy });
}
