/** @module The writes a store is made of. Each is one atomic step that is on disk when it returns; a test counts and interrupts them by wrapping this. */
import { randomUUID } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
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
  /**
   * Replaces the file if it still bears `mark`, or creates it when that is undefined; false when somebody else was faster.
   * A disk without it cannot compare and write in one step: whoever writes there holds a lock.
   */
  swap?(path: string, content: string, mark: string | undefined): Promise<boolean>;
}

/** A file as a listing shows it. */
export interface Entry {
  path: string;
  size: number;
  /** Changes with every replacement; in a bucket the ETag. Absent where there is no such thing. */
  mark?: string;
  /** Epoch ms by the clock of whoever keeps it. */
  changedAt: number;
}

export interface Content {
  bytes: Uint8Array;
  mark?: string;
  /** How long ago it was written, in ms, by one and the same clock; absent where that is not known. */
  ageMs?: number;
}

/** What a store needs of the place it lies in. */
export interface Files extends Disk {
  read(path: string): Promise<Content | undefined>;
  /** Names in a folder, sorted, without hidden ones (drafts, half removed folders); none when there is no such folder. */
  names(folder: string): Promise<string[]>;
  /** Files at any depth, sorted by path. */
  below(folder: string): Promise<Entry[]>;
  look(path: string): Promise<Entry | undefined>;
  /** The bytes from `start` to before `end`. */
  range(path: string, start: number, end: number): Promise<Uint8Array>;
  /** Hands over the whole content piece by piece. `begin` is called first, and again when it has to begin anew. */
  stream(path: string, begin: () => void, take: (piece: Uint8Array) => void): Promise<void>;
  makeFolder(folder: string): Promise<void>;
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

/** The files of this machine. */
export const machineFiles: Files = {
  ...disk,

  async read(path) {
    const bytes = await unlessAbsent("read", path, () => readFile(path));
    return bytes === undefined ? undefined : { bytes };
  },

  async names(folder) {
    const names = await unlessAbsent("list", folder, () => readdir(folder));
    return (names ?? []).filter((name) => !name.startsWith(".")).toSorted();
  },

  async below(folder) {
    const found =
      (await unlessAbsent("list", folder, () => readdir(folder, { recursive: true, withFileTypes: true }))) ?? [];
    const paths = found
      .filter((entry) => entry.isFile() || entry.isSymbolicLink())
      .map((entry) => join(entry.parentPath, entry.name));
    const entries = await Promise.all(paths.toSorted().map((path) => machineFiles.look(path)));
    return entries.filter((entry) => entry !== undefined);
  },

  async look(path) {
    const found = await stat(path).catch(() => undefined);
    return found?.isFile() === true ? { path, size: found.size, changedAt: found.mtimeMs } : undefined;
  },

  async range(path, start, end) {
    const file = await open(path, "r");
    try {
      const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(end - start), position: start });
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  },

  async stream(path, begin, take) {
    begin();
    for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) take(piece);
  },

  makeFolder,
};

async function unlessAbsent<T>(verb: string, path: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw said(verb, path, error);
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
