/** @module Bucket and key of a URI, and what came back for them. */
import type { GetObjectCommandOutput } from "@aws-sdk/client-s3";
import { RejectedError, UnavailableError } from "../errors.ts";
import { isAbsent, serverTimeOf, type Try } from "./bucket-client.ts";
import type { Content } from "./disk.ts";

export interface Place {
  Bucket: string;
  Key: string;
}

/** A request about `uri`, with the patience of whoever asks. */
export type Ask = <T>(verb: string, uri: string, work: (attempt: Try, object: Place) => Promise<T>) => Promise<T>;

/** Throws RejectedError for what is no URI of an object or prefix. */
export function placeOf(uri: string): Place {
  const [, bucket, key = ""] = /^s3a:\/\/([^/]+)(?:\/(.*))?$/s.exec(uri) ?? [];
  if (bucket !== undefined) return { Bucket: bucket, Key: key };
  throw new RejectedError(`Cannot use ${uri}: expected s3a://BUCKET/KEY`);
}

export async function unlessAbsent<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** The whole body; throws when it was cut. */
export async function bytesOf(answer: GetObjectCommandOutput): Promise<Uint8Array> {
  const bytes = (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
  if (answer.ContentLength !== undefined && bytes.length !== answer.ContentLength) throw cut(answer, bytes.length);
  return bytes;
}

/** Hands over the body piece by piece. Throws when it was cut, or silent for `idleMs`. */
export async function piecesOf(
  answer: GetObjectCommandOutput,
  idleMs: number,
  take: (piece: Uint8Array) => void,
): Promise<void> {
  const body = answer.Body?.transformToWebStream().getReader();
  let length = 0;
  for (;;) {
    const { promise: silence, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new UnavailableError("nothing came any more")), idleMs);
    try {
      const piece = await Promise.race([body?.read(), silence]);
      if (piece === undefined || piece.done) break;
      const bytes: unknown = piece.value;
      if (!(bytes instanceof Uint8Array)) throw new TypeError("the body is no bytes");
      length += bytes.length;
      take(bytes);
    } catch (error) {
      await body?.cancel().catch(() => undefined);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
  if (length !== answer.ContentLength) throw cut(answer, length);
}

export function contentOf(answer: GetObjectCommandOutput, bytes: Uint8Array): Content {
  const { ETag: mark, LastModified: written } = answer;
  const now = serverTimeOf(answer.$metadata);
  return {
    bytes,
    ...(mark === undefined ? {} : { mark }),
    ...(written === undefined || now === undefined ? {} : { ageMs: now - written.getTime() }),
  };
}

function cut({ ContentLength: length }: GetObjectCommandOutput, came: number): UnavailableError {
  return new UnavailableError(`the answer was cut after ${came} of ${length ?? "unknown"} bytes`);
}
