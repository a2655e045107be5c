/** @module Packed code: what a job imports as one archive, its main file and the files beside that, under the digest of them all. */
import { posix } from "node:path";
import { RejectedError } from "../errors.ts";
import { importClosure, packedDigest, packedPlaces, type CodeFile, type CodeFolder } from "../plan/code.ts";
import { toText, type Disk } from "./disk.ts";
import { filesAt, readJson, readText } from "./files.ts";
import { joined, type Layout } from "./layout.ts";
import { unzip, zip } from "./zip.ts";

export interface PackedCode {
  digest: string;
  /** Files by path with digests: part of the cache key. */
  files: CodeFile[];
  /** Absolute paths. */
  main: string;
  archive: string;
}

const LIST = "files.json";

/** Packs what `main` imports from `folder`, unless the same code is there already. Throws RejectedError when there is no such main file. */
export async function packCode(layout: Layout, disk: Disk, main: string, folder: CodeFolder): Promise<PackedCode> {
  if (folder.read(main) === undefined)
    throw new RejectedError(`Cannot pack the code of a job: there is no file ${main} in its code folder`);
  const files = importClosure(main, folder);
  const digest = packedDigest(main, files);
  const packed = places(layout, digest, main, files);
  if ((await readText(joined(layout.code(digest), LIST))) !== undefined) return packed;
  const contents = files.map(({ path }) => ({ path, content: folder.read(path) ?? new Uint8Array() }));
  // Python looks for modules beside the main file, too.
  const beside = posix.dirname(main);
  for (const { path, content } of contents) {
    if (path === main || (beside !== "." && path.startsWith(`${beside}/`)))
      await disk.write(joined(layout.code(digest), "main", path), content);
  }
  await disk.write(packed.archive, zip(contents));
  // Last: it says that the rest is there.
  await disk.write(joined(layout.code(digest), LIST), toText({ main, files }));
  return packed;
}

/** Code packed earlier. Throws RejectedError when it is gone. */
export async function packedCode(layout: Layout, digest: string): Promise<PackedCode> {
  const packed = await findCode(layout, digest);
  if (packed === undefined) {
    throw new RejectedError(`Cannot go on: code ${digest.slice(0, 12)} is gone from ${layout.code(digest)}`, {
      remedy: "Start a new run",
    });
  }
  return packed;
}

/** Code packed earlier, or undefined when it is gone. */
export async function findCode(layout: Layout, digest: string): Promise<PackedCode | undefined> {
  const list = await readJson<{ main: string; files: CodeFile[] }>(joined(layout.code(digest), LIST));
  return list && places(layout, digest, list.main, list.files);
}

/** Contents of packed code by path, or undefined when its archive is gone. */
export async function codeContents({ archive }: PackedCode): Promise<ReadonlyMap<string, Uint8Array> | undefined> {
  const content = await filesAt(archive).read(archive);
  const files = content && unzip(content.bytes);
  return files && new Map(files.map(({ path, content: bytes }) => [path, bytes]));
}

function places(layout: Layout, digest: string, main: string, files: CodeFile[]): PackedCode {
  return { digest, files, ...packedPlaces(layout.code(digest), main) };
}
