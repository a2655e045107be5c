/** @module Listing and emptying prefixes of a bucket, page by page. */
import type { ListObjectsV2CommandOutput } from "@aws-sdk/client-s3";
import { RejectedError } from "../errors.ts";
import { placeOf, type Ask } from "./bucket-place.ts";
import type { Entry } from "./disk.ts";

const DELETED_AT_ONCE = 1000;

/** What lies below a prefix: everything, or with a delimiter the objects directly there and the folders. */
export async function listed(
  ask: Ask,
  folder: string,
  delimiter?: "/",
): Promise<{ entries: Entry[]; folders: string[] }> {
  const [entries, folders]: [Entry[], string[]] = [[], []];
  const { Bucket, Key } = placeOf(folder);
  const Prefix = Key === "" || Key.endsWith("/") ? Key : `${Key}/`;
  let ContinuationToken: string | undefined;
  do {
    const page: ListObjectsV2CommandOutput = await ask("list", folder, ({ sdk, client, signal }) =>
      client.send(
        new sdk.ListObjectsV2Command({
          Bucket,
          Prefix,
          ...(delimiter === undefined ? {} : { Delimiter: delimiter }),
          ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
        }),
        { abortSignal: signal },
      ),
    );
    for (const { Key: key, Size, ETag, LastModified } of page.Contents ?? []) {
      if (key === undefined) continue;
      const mark = ETag === undefined ? {} : { mark: ETag };
      entries.push({
        path: `s3a://${Bucket}/${key}`,
        size: Size ?? 0,
        changedAt: LastModified?.getTime() ?? 0,
        ...mark,
      });
    }
    for (const { Prefix: prefix = "" } of page.CommonPrefixes ?? [])
      folders.push(`s3a://${Bucket}/${prefix.replace(/\/$/, "")}`);
    ContinuationToken = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (ContinuationToken !== undefined);
  return { entries, folders };
}

/**
 * Removes everything below a prefix; it is not one step. What lies deepest goes first, so that a run whose removal was cut short
 * still has its record and can be removed again.
 */
export async function emptied(ask: Ask, folder: string): Promise<void> {
  const { Bucket } = placeOf(folder);
  const keys = (await listed(ask, folder)).entries.map((entry) => placeOf(entry.path).Key).toSorted(deepestFirst);
  for (let start = 0; start < keys.length; start += DELETED_AT_ONCE) {
    const Objects = keys.slice(start, start + DELETED_AT_ONCE).map((Key) => ({ Key }));
    const answer = await ask("remove", folder, ({ sdk, client, signal }) =>
      client.send(new sdk.DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }), { abortSignal: signal }),
    );
    const [failed] = answer.Errors ?? [];
    if (failed === undefined) continue;
    throw new RejectedError(
      `Cannot remove s3a://${Bucket}/${failed.Key ?? ""}: ${failed.Code ?? ""} ${failed.Message ?? ""}`,
      {
        remedy: "Give the user of these AWS_* credentials the right to delete there",
      },
    );
  }
}

function deepestFirst(a: string, b: string): number {
  return b.split("/").length - a.split("/").length || (a < b ? -1 : 1);
}
