/** @module Data from outside, fixed at the start of a run: its files with digests become a version like any other. */
import { stat } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { RejectedError, UnavailableError } from "../errors.ts";
import type { DatasetShape } from "../plan/plan.ts";
import { etagOf, type Fingerprint, type Fingerprints } from "./fingerprint.ts";
import { filesAt } from "./files.ts";
import { inside, isInBucket, isUri } from "./layout.ts";
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
  const found = isInBucket(root) ? await objectsAt(root) : await pathsAt(root);
  if (found === undefined)
    throw refuse(
      dataset,
      `${root} is not there`,
      "Correct the dataset's path or the target's source, or put the data there",
    );
  if (found.length === 0)
    throw refuse(dataset, `folder ${root} has no files`, "Put the data there, or correct the dataset's path");
  const files: (FileEntry & { name: string })[] = [];
  for (const { path, name, ...known } of found) {
    const content = known.content ?? (await options.fingerprints.of(path).catch(unreadable(dataset, path)));
    files.push({ path, name, ...content, ...partitionIn(shape, name) });
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
  if (isInBucket(path)) return path.replace(/\/+$/, "");
  if (isUri(path)) {
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

interface Found {
  path: string;
  /** Below the root; empty for the root itself. */
  name: string;
  /** What is known of it without reading it. */
  content?: Fingerprint & { mark: string };
}

/** The files of this machine at or below a path; undefined when there is nothing. */
async function pathsAt(root: string): Promise<Found[] | undefined> {
  const found = await stat(root).catch(() => undefined);
  if (found?.isDirectory() !== true) return found && [{ path: root, name: "" }];
  return (await filesAt(root).below(root)).map(({ path }) => ({ path, name: nameBelow(root, path) })).filter(isData);
}

/** The objects at or below a URI; undefined when there are none, since an empty prefix is none. Their ETags stand for their content. */
async function objectsAt(root: string): Promise<Found[] | undefined> {
  const one = await filesAt(root).look(root);
  const entries = one === undefined ? await filesAt(root).below(root) : [one];
  if (entries.length === 0) return undefined;
  return entries
    .map(({ path, size, mark = "" }) => {
      const content = { size, etag: etagOf(mark), mark };
      return { path, name: path === root ? "" : nameBelow(root, path), content };
    })
    .filter(isData);
}

function nameBelow(root: string, path: string): string {
  return path.slice(root.replace(/\/+$/, "").length + 1);
}

/** Names that begin with `.` or `_` are no data. */
function isData({ name }: Found): boolean {
  return !name.split("/").some((part) => part.startsWith(".") || part.startsWith("_"));
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
    if (cause instanceof UnavailableError) throw cause;
    throw new RejectedError(`Cannot pin dataset ${dataset}: ${path} cannot be read (${String(cause)})`, {
      remedy: "Give the user who runs Sparkwright the right to read it",
      cause,
    });
  };
}

function refuse(dataset: string, why: string, remedy: string): RejectedError {
  return new RejectedError(`Cannot pin dataset ${dataset}: ${why}`, { remedy });
}
