/** @module Size and digest of files; digests of files outside are remembered, so that a second run reads only what changed. */
import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { systemClock, type Clock } from "../clock.ts";
import { RejectedError } from "../errors.ts";
import { disk as realDisk, toText, type Disk } from "./disk.ts";
import { filesAt, readJson } from "./files.ts";
import { isInBucket } from "./layout.ts";

export interface Fingerprint {
  size: number;
  /** `sha256:` and hex; of an object outside `s3:` and its ETag. */
  etag: string;
}

/** Reads a file whole. Throws as the file system does. */
export async function fingerprint(path: string): Promise<Fingerprint> {
  let hash = createHash("sha256");
  let size = 0;
  await filesAt(path).stream(
    path,
    () => {
      hash = createHash("sha256");
      size = 0;
    },
    (piece) => {
      hash.update(piece);
      size += piece.length;
    },
  );
  return { size, etag: `sha256:${hash.digest("hex")}` };
}

interface Known extends Fingerprint {
  /** Size, times and inode when it was read: a file that still has them has not been written since. */
  seen: string;
}

/** A file changed within the grain of the file system's clock after it was read looks unchanged; so young a file is not remembered. */
const YOUNG_MS = 2000;

export interface Fingerprints {
  of(path: string): Promise<Fingerprint>;
  /** Writes what was learnt; a lost copy only costs time. */
  save(): Promise<void>;
}

/** Fingerprints remembered in the document at `file`. */
export async function rememberedIn(
  file: string,
  disk: Disk = realDisk,
  clock: Clock = systemClock,
): Promise<Fingerprints> {
  const known = new Map(
    Object.entries(
      ((await readJson<Record<string, Known>>(file).catch(() => undefined)) ?? {}) as Record<string, Known>,
    ),
  );
  let hasChanged = false;
  return {
    async of(path) {
      if (isInBucket(path)) return ofObject(path);
      const before = await look(path);
      const there = known.get(path);
      if (there?.seen === before.seen) return { size: there.size, etag: there.etag };
      const now = clock();
      const found = await fingerprint(path);
      const after = await look(path);
      if (after.seen === before.seen && now - after.changedMs > YOUNG_MS) {
        known.set(path, { ...found, seen: after.seen });
        hasChanged = true;
      }
      return found;
    },
    async save() {
      if (hasChanged) await disk.write(file, toText(Object.fromEntries(known)));
      hasChanged = false;
    },
  };
}

/** The ETag stands for the content: the server changes it with every replacement, and asking for it reads nothing. */
async function ofObject(uri: string): Promise<Fingerprint> {
  const found = await filesAt(uri).look(uri);
  if (found === undefined) throw new RejectedError(`Cannot read ${uri}: it is not there`);
  return { size: found.size, etag: etagOf(found.mark ?? "") };
}

/** Etag of data from outside in a bucket. */
export function etagOf(mark: string): string {
  return `s3:${mark.replaceAll('"', "")}`;
}

async function look(path: string): Promise<{ seen: string; changedMs: number }> {
  const at = await stat(path, { bigint: true });
  // ctime too: a copy that keeps the modification time still changes it.
  return {
    seen: [at.dev, at.ino, at.size, at.mtimeNs, at.ctimeNs].join(" "),
    changedMs: Number(at.mtimeMs > at.ctimeMs ? at.mtimeMs : at.ctimeMs),
  };
}
