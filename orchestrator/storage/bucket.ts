/** @module Files of a store in a bucket, by `s3a://bucket/key`. What is written is there whole or not at all; what is written last is what is read next. */
import { ConflictError, UnavailableError } from "../errors.ts";
import { isAbsent, PATIENCE, send, statusOf, type Patience } from "./bucket-client.ts";
import { emptied, listed } from "./bucket-list.ts";
import { bytesOf, contentOf, piecesOf, placeOf, unlessAbsent, type Ask } from "./bucket-place.ts";
import type { Disk, Entry, Files } from "./disk.ts";

/** Appending competes with others for the object; each of them wins in turn. */
const APPENDS = 20;

/** A bucket compares and writes in one step. */
export type BucketFiles = Files & Required<Pick<Disk, "swap">>;

export function bucketFiles(patience: Patience = PATIENCE): BucketFiles {
  const ask: Ask = (verb, uri, work) => send(verb, uri, (attempt) => work(attempt, placeOf(uri)), patience);
  const reading = readsFrom(ask, patience);
  return { ...reading, ...writesTo(ask, reading.read) };
}

function readsFrom(ask: Ask, { tryMs }: Patience): Omit<Files, keyof Disk> {
  return {
    read: (uri) =>
      ask("read", uri, ({ sdk, client, signal }, object) =>
        unlessAbsent(async () => {
          const answer = await client.send(new sdk.GetObjectCommand(object), { abortSignal: signal });
          return contentOf(answer, await bytesOf(answer));
        }),
      ),

    async names(folder) {
      const { entries, folders } = await listed(ask, folder, "/");
      const names = [...entries.map((entry) => entry.path), ...folders].map((path) => path.slice(folder.length + 1));
      return names.filter((name) => name !== "" && !name.startsWith(".")).toSorted();
    },

    async below(folder) {
      // What some tools put in place of a folder ends with a slash.
      return (await listed(ask, folder)).entries.filter((entry) => !entry.path.endsWith("/"));
    },

    look: (uri) =>
      ask("look at", uri, ({ sdk, client, signal }, object) =>
        unlessAbsent(async (): Promise<Entry> => {
          const answer = await client.send(new sdk.HeadObjectCommand(object), { abortSignal: signal });
          return {
            path: uri,
            size: answer.ContentLength ?? 0,
            changedAt: answer.LastModified?.getTime() ?? 0,
            ...(answer.ETag === undefined ? {} : { mark: answer.ETag }),
          };
        }),
      ),

    range: (uri, start, end) =>
      ask("read", uri, async ({ sdk, client, signal }, object) => {
        const command = new sdk.GetObjectCommand({ ...object, Range: `bytes=${start}-${end - 1}` });
        const bytes = await bytesOf(await client.send(command, { abortSignal: signal }));
        if (bytes.length === end - start) return bytes;
        throw new UnavailableError(`${bytes.length} bytes came instead of ${end - start}`);
      }),

    stream: (uri, begin, take) =>
      ask("read", uri, async ({ sdk, client }, object) => {
        begin();
        // The limit of a try is for the answer to begin; the whole may be large and take longer.
        const late = new AbortController();
        const timer = setTimeout(() => late.abort(new UnavailableError("no answer in time")), tryMs);
        const command = new sdk.GetObjectCommand(object);
        const answer = await client.send(command, { abortSignal: late.signal }).finally(() => clearTimeout(timer));
        await piecesOf(answer, tryMs, take);
      }),

    makeFolder: () => Promise.resolve(),
  };
}

function writesTo(ask: Ask, read: Files["read"]): Required<Disk> {
  /** Writes on a condition; false when that does not hold. */
  const writeIf = (uri: string, content: string, condition: { IfNoneMatch: "*" } | { IfMatch: string }) =>
    ask("write", uri, async ({ sdk, client, signal, isUnsure }, object) => {
      try {
        await client.send(new sdk.PutObjectCommand({ ...object, ...condition, ...bodyOf(content) }), {
          abortSignal: signal,
        });
        return true;
      } catch (error) {
        // 404: what was to be replaced is gone.
        if (statusOf(error) !== 412 && !isAbsent(error)) throw error;
      }
      // An earlier try may have succeeded without our hearing of it; then this one has met its work.
      if (!isUnsure) return false;
      const there = await read(uri);
      return there !== undefined && Buffer.from(there.bytes).equals(Buffer.from(content));
    });

  const disk: Required<Disk> = {
    async write(uri, content) {
      await ask("write", uri, ({ sdk, client, signal }, object) =>
        client.send(new sdk.PutObjectCommand({ ...object, ...bodyOf(content) }), { abortSignal: signal }),
      );
    },

    create: (uri, content) => writeIf(uri, content, { IfNoneMatch: "*" }),

    swap: (uri, content, mark) => writeIf(uri, content, mark === undefined ? { IfNoneMatch: "*" } : { IfMatch: mark }),

    async append(uri, line) {
      for (let times = 0; times < APPENDS; times++) {
        const there = await read(uri);
        const before = there === undefined ? "" : Buffer.from(there.bytes).toString();
        const text = `${before}${before === "" || before.endsWith("\n") ? "" : "\n"}${line}\n`;
        if (await disk.swap(uri, text, there?.mark)) return;
      }
      throw new ConflictError(`Cannot write ${uri}: others write it at the same time`);
    },

    async remove(uri) {
      await emptied(ask, uri);
      await ask("remove", uri, ({ sdk, client, signal }, object) =>
        client.send(new sdk.DeleteObjectCommand(object), { abortSignal: signal }),
      );
    },
  };
  return disk;
}

/** With its length, which cannot be told from an empty text. */
function bodyOf(content: string | Uint8Array): { Body: Uint8Array; ContentLength: number } {
  const Body = typeof content === "string" ? Buffer.from(content) : content;
  return { Body, ContentLength: Body.length };
}
