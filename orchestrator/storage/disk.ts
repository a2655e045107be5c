/** @module The writes a store is made of. Each is one atomic step that is on disk when it returns; a test counts and interrupts them by wrapping this. */
import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { link, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { RejectedError } from "../errors.ts";

export interface Disk {
  /** Replaces the file: a reader sees the old content or the new, never a part. */
  write(path: string, content: string | Uint8Array): Promise<void>;
  /** Creates the file whole, or tells that there is one already. */
  create(path: string, content: string): Promise<boolean>;
  /** Adds a line. A part of a line that a crash left is closed first; readers pass over it. */
  append(path: string, line: string): Promise<void>;
  /** Removes a file, or a folder with all in it; what is absent is removed. */
  remove(path: string): Promise<void>;
}

export const disk: Disk = {
  async write(path, content) {
    await guarded("write", path, async () => rename(await draft(path, content), path));
    await syncFolder(dirname(path));
  },

  async create(path, content) {
    const created = await guarded("write", path, async () => {
      const temporary = await draft(path, content);
      try {
        await link(temporary, path);
        return true;
      } catch (error) {
        if (codeOf(error) === "EEXIST") return false;
        throw error;
      } finally {
        await rm(temporary, { force: true });
      }
    });
    if (created) await syncFolder(dirname(path));
    return created;
  },

  async append(path, line) {
    await guarded("write", path, async () => {
      await makeFolder(dirname(path));
      const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND, 0o644);
      try {
        const { size } = await file.stat();
        const last =
          size === 0 ? "\n" : (await file.read({ buffer: Buffer.alloc(1), position: size - 1 })).buffer.toString();
        await file.appendFile(`${last === "\n" ? "" : "\n"}${line}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
    });
    await syncFolder(dirname(path));
  },

  async remove(path) {
    await guarded("remove", path, async () => {
      // A folder goes in one step, too: what is half removed has a name that nobody reads.
      const doomed = join(dirname(path), `.removed-${randomUUID()}`);
      try {
        await rename(path, doomed);
      } catch (error) {
        if (isAbsent(error)) return;
        throw error;
      }
      await rm(doomed, { recursive: true, force: true });
      await syncFolder(dirname(path));
    });
  },
};

/** Text of a file, or undefined when there is none. */
export async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw said("read", path, error);
  }
}

/** A JSON document of our own, or undefined when there is none. Throws RejectedError for a text that is no JSON. */
export async function readJson<T>(path: string): Promise<T | undefined> {
  const text = await readText(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new RejectedError(`Cannot read ${path}: it is not JSON, so something else than Sparkwright has written it`, {
      remedy: "Restore the file from a backup, or remove it",
      cause,
    });
  }
}

/** Names in a folder, sorted, without hidden ones (drafts, half removed folders); none when there is no such folder. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => !name.startsWith(".")).toSorted();
  } catch (error) {
    if (isAbsent(error)) return [];
    throw said("list", folder, error);
  }
}

export function toText(document: unknown): string {
  return `${JSON.stringify(document, undefined, 1)}\n`;
}

async function draft(path: string, content: string | Uint8Array): Promise<string> {
  await makeFolder(dirname(path));
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.draft`);
  const file = await open(temporary, "wx", 0o644);
  try {
    await file.writeFile(content);
    await file.sync();
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  return temporary;
}

/** Makes a folder and those above it, durably; one that is there is left as it is. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await guarded("make", folder, () => mkdir(folder, { recursive: true }));
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** A name is only durable once its folder is on disk. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function guarded<T>(verb: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw said(verb, path, error);
  }
}

const REMEDIES: Record<string, [string, string]> = {
  ENOSPC: [
    "no space is left on the disk",
    "Free space (`sparkwright gc --dry-run` shows what is not needed), then resume",
  ],
  EDQUOT: [
    "the disk quota is used up",
    "Free space (`sparkwright gc --dry-run` shows what is not needed), then resume",
  ],
  EACCES: ["permission denied", "Make the storage root writable for this user, or choose another one in the target"],
  EPERM: [
    "operation not permitted",
    "Make the storage root writable for this user, or choose another one in the target",
  ],
  EROFS: ["the file system is read-only", "Choose another storage root in the target"],
  EEXIST: ["a file stands where a folder is wanted", "Move it away, or choose another storage root in the target"],
  ENOTDIR: ["a file stands where a folder is wanted", "Move it away, or choose another storage root in the target"],
};

/** What a person can mend is said so; anything else is thrown as it is. */
function said(verb: string, path: string, error: unknown): unknown {
  const [why, remedy] = REMEDIES[codeOf(error) ?? ""] ?? [];
  return why === undefined || remedy === undefined
    ? error
    : new RejectedError(`Cannot ${verb} ${path}: ${why}`, { remedy, cause: error });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

function isAbsent(error: unknown): boolean {
  return codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR";
}
