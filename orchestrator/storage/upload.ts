/** @module Brings a file or folder of this machine to where a target reads it, without sending again what is there. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { RejectedError } from "../errors.ts";
import { send } from "./bucket-client.ts";
import { placeOf } from "./bucket-place.ts";
import type { Entry } from "./disk.ts";
import { filesAt, inParallel } from "./files.ts";
import { isInBucket, joined } from "./layout.ts";

export interface Uploaded {
  /** Where the files are now. */
  to: string;
  sent: number;
  /** Bytes of what was sent. */
  size: number;
  /** Files that were there with the same content. */
  unchanged: number;
  /** Objects below the same prefix that the folder does not have; they stay, and count as data. */
  others: string[];
}

/** What S3 takes in one request. */
const LARGEST_BYTES = 5 * 1024 ** 3;
/** For sending a file: so much time for each MiB. */
const MS_PER_MIB = 1000;

/** Sends `from` to the URI `to`. Names that begin with `.` or `_` are no data and stay. Throws RejectedError for what is not there or cannot be sent. */
export async function upload(from: string, to: string): Promise<Uploaded> {
  if (!isInBucket(to))
    throw refuse(from, `${to} is not in a bucket`, "Copy the files there, or give the source an s3a:// path");
  const found = await stat(from).catch(() => undefined);
  if (found === undefined) throw refuse(from, "it is not there", "Name a file or folder of this machine");
  const files = found.isDirectory() ? await dataBelow(from) : [{ path: from, size: found.size, changedAt: 0 }];
  if (files.length === 0) throw refuse(from, "it has no files", "Name the folder that holds the data");
  const targets = files.map((file) => ({
    file,
    uri: found.isDirectory() ? joined(to, file.path.slice(from.length + 1)) : to,
  }));
  const there = new Map((found.isDirectory() ? await filesAt(to).below(to) : []).map((entry) => [entry.path, entry]));
  const sent = await inParallel(targets, async ({ file, uri }) => {
    const before = there.get(uri) ?? (await filesAt(to).look(uri));
    if (before !== undefined && (await isSame(file, before))) return 0;
    await put(file, uri);
    return 1;
  });
  const names = new Set(targets.map(({ uri }) => uri));
  return {
    to,
    sent: sent.filter((one) => one === 1).length,
    size: files.reduce((sum, file, at) => sum + (sent[at] === 1 ? file.size : 0), 0),
    unchanged: sent.filter((one) => one === 0).length,
    others: [...there.keys()].filter((uri) => !names.has(uri)),
  };
}

async function dataBelow(folder: string): Promise<Entry[]> {
  const entries = await filesAt(folder).below(folder);
  return entries.filter(({ path }) => !/(^|\/)[._]/.test(path.slice(folder.length + 1)));
}

/** The ETag of what was sent in one request is the MD5 of its content; where it is not (encryption by key), the file is sent again. */
async function isSame(file: Entry, there: Entry): Promise<boolean> {
  if (there.size !== file.size) return false;
  const digest = createHash("md5");
  await filesAt(file.path).stream(
    file.path,
    () => undefined,
    (piece) => digest.update(piece),
  );
  return there.mark?.replaceAll('"', "") === digest.digest("hex");
}

async function put({ path, size }: Entry, uri: string): Promise<void> {
  if (size > LARGEST_BYTES)
    throw refuse(path, "it is larger than 5 GiB", "Cut it in several files, or send it with another tool");
  const patience = { tries: 5, tryMs: 10_000 + Math.ceil(size / 2 ** 20) * MS_PER_MIB, pauseMs: 500 };
  await send(
    "write",
    uri,
    async ({ sdk, client, signal }) => {
      const Body = createReadStream(path);
      const command = new sdk.PutObjectCommand({ ...placeOf(uri), Body, ContentLength: size });
      await client.send(command, { abortSignal: signal }).finally(() => Body.destroy());
    },
    patience,
  );
}

function refuse(from: string, why: string, remedy: string): RejectedError {
  return new RejectedError(`Cannot send ${from}: ${why}`, { remedy });
}
