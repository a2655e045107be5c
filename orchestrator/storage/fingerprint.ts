/** @module Size and digest of files; digests of files outside are remembered, so that a second run reads only what changed. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { systemClock, type Clock } from "../clock.ts";
import { disk as realDisk, readJson, toText, type Disk } from "./disk.ts";

export interface Fingerprint {
  size: number;
  /** `sha256:` and hex. */
  etag: string;
}

/** Reads a file whole. Throws as the file system does. */
export async function fingerprint(path: string): Promise<Fingerprint> {
  const hash = createHash("sha256");
  let size = 0;
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), async (pieces) => {
    for await (const piece of pieces as AsyncIterable<Buffer>) {
      hash.update(piece);
      size += piece.length;
    }
  });
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

async function look(path: string): Promise<{ seen: string; changedMs: number }> {
  const at = await stat(path, { bigint: true });
  // ctime too: a copy that keeps the modification time still changes it.
  return {
    seen: [at.dev, at.ino, at.size, at.mtimeNs, at.ctimeNs].join(" "),
    changedMs: Number(at.mtimeMs > at.ctimeMs ? at.mtimeMs : at.ctimeMs),
  };
}
