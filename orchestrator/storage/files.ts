/** @module Files wherever they lie: what begins with `s3a://` is an object in a bucket, every other path is one of this machine. */
import { ConflictError, RejectedError } from "../errors.ts";
import { bucketFiles } from "./bucket.ts";
import { machineFiles, type Content, type Disk, type Files } from "./disk.ts";
import { isInBucket, isUri } from "./layout.ts";

/** The place of what is named by a path or URI. Throws RejectedError for a scheme that nobody here speaks. */
export function filesAt(path: string): Files {
  if (isInBucket(path)) return inBuckets;
  if (!isUri(path)) return machineFiles;
  throw new RejectedError(`Cannot reach ${path}: only folders and s3a:// are known`, {
    remedy: "Give an absolute path or s3a://BUCKET/PREFIX",
  });
}

const inBuckets = bucketFiles();

const TEXT = new TextDecoder("utf-8", { ignoreBOM: true });

/** Text of a file, or undefined when there is none. */
export async function readText(path: string): Promise<string | undefined> {
  return textOf(await filesAt(path).read(path));
}

/** A JSON document of our own, or undefined when there is none. Throws RejectedError for a text that is no JSON. */
export async function readJson<T>(path: string): Promise<T | undefined> {
  return (await readMarked<T>(path)).value;
}

/** What was read, with what is needed to replace exactly that. */
export interface Marked<T> {
  value: T | undefined;
  mark: string | undefined;
  /** Since it was written, in ms; undefined where that is not known. */
  ageMs: number | undefined;
}

/** As `readJson`, with the mark of what was read. */
export async function readMarked<T>(path: string): Promise<Marked<T>> {
  const content = await filesAt(path).read(path);
  const text = textOf(content);
  const { mark, ageMs } = content ?? {};
  if (text === undefined) return { value: undefined, mark, ageMs };
  try {
    return { value: JSON.parse(text) as T, mark, ageMs };
  } catch (cause) {
    throw new RejectedError(`Cannot read ${path}: it is not JSON, so something else than Sparkwright has written it`, {
      remedy: "Restore the file from a backup, or remove it",
      cause,
    });
  }
}

/**
 * Writes a file that was read before and bore `mark` then. Throws ConflictError when it has been written since, where the disk
 * can tell; where it cannot, the lock of the caller has to do.
 */
export async function replace(disk: Disk, path: string, content: string, mark: string | undefined): Promise<void> {
  if (disk.swap === undefined) return disk.write(path, content);
  if (!(await disk.swap(path, content, mark)))
    throw new ConflictError(`Cannot write ${path}: somebody else has written it meanwhile`);
}

/** Names in a folder, sorted, without hidden ones; none when there is no such folder. */
export function namesIn(folder: string): Promise<string[]> {
  return filesAt(folder).names(folder);
}

/** Makes a folder and those above it, durably; a bucket has none. */
export function makeFolder(folder: string): Promise<void> {
  return filesAt(folder).makeFolder(folder);
}

export function textOf(content: Content | undefined): string | undefined {
  return content && TEXT.decode(content.bytes);
}

const AT_ONCE = 8;

/** Results in order, a few at a time. */
export async function inParallel<In, Out>(items: readonly In[], work: (item: In) => Promise<Out>): Promise<Out[]> {
  const results: Out[] = [];
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < items.length; at = next++) {
      const item = items[at];
      if (item !== undefined) results[at] = await work(item);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}
