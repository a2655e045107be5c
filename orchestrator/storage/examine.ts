/** @module What a file is now, as far as that is worth reading it. */
import { createHash } from "node:crypto";
import { filesAt } from "./files.ts";
import { fingerprint } from "./fingerprint.ts";
import { isInBucket } from "./layout.ts";

export interface Examined {
  size: number;
  /** Digest of the content as `sha256:` and hex; absent when the content was not read. */
  etag?: string;
  mark?: string;
  /** The content, when it was read and is small. */
  bytes?: Uint8Array;
}

/**
 * Objects up to this many bytes are read and digested. Larger ones are taken by size, and by ETag from then on: the task that wrote
 * one digested what it sent, the server tells a cut body from a whole one, and reading all data of a run again would cost more
 * than the run.
 */
const DIGESTED_BYTES = 4 * 1024 * 1024;

/** What is at `path`, or undefined; files of this machine are always digested. `expected` is the size it should have. */
export async function examine(path: string, expected: number): Promise<Examined | undefined> {
  const files = filesAt(path);
  if (isInBucket(path) && expected <= DIGESTED_BYTES) {
    const content = await files.read(path);
    if (content === undefined) return undefined;
    const { bytes, mark } = content;
    const etag = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    return { size: bytes.length, etag, bytes, ...(mark === undefined ? {} : { mark }) };
  }
  const found = await files.look(path);
  if (found === undefined) return undefined;
  const mark = found.mark === undefined ? {} : { mark: found.mark };
  const digested = isInBucket(path) || found.size !== expected ? {} : { etag: (await fingerprint(path)).etag };
  return { size: found.size, ...digested, ...mark };
}
