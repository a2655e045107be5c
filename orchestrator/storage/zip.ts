/** @module A ZIP archive of small files, the same bytes for the same files: stored, not compressed, in order of names, with a fixed time. */
import { crc32 } from "node:zlib";

const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END = 0x06054b50;
const VERSION = 20;
/** 1980-01-01 00:00, the first moment the format knows. */
const DAY = 0x21;
/** Names are UTF-8. */
const UTF8 = 0x0800;
/** Regular file, readable by all. */
const MODE = 0o100644 << 16;

export interface ZipFile {
  /** With `/`, without a leading one. */
  path: string;
  content: Uint8Array;
}

/** The archive. Far from the format's limits of 65,535 files and 4 GiB, as code is. */
export function zip(files: readonly ZipFile[]): Uint8Array {
  const sorted = files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { path, content } of sorted) {
    const name = Buffer.from(path);
    const common = entry(name, content);
    const local = Buffer.concat([word(LOCAL_HEADER), common, name, content]);
    directory.push(
      Buffer.concat([
        word(CENTRAL_HEADER),
        half(VERSION | (3 << 8)),
        common,
        half(0),
        half(0),
        half(0),
        word(MODE >>> 0),
        word(offset),
        name,
      ]),
    );
    bodies.push(local);
    offset += local.length;
  }
  const index = Buffer.concat(directory);
  const end = Buffer.concat([
    word(END),
    half(0),
    half(0),
    half(sorted.length),
    half(sorted.length),
    word(index.length),
    word(offset),
    half(0),
  ]);
  return Buffer.concat([...bodies, index, end]);
}

/** The fields that both headers of a file share. */
function entry(name: Buffer, content: Uint8Array): Buffer {
  return Buffer.concat([
    half(VERSION),
    half(UTF8),
    half(0),
    half(0),
    half(DAY),
    word(crc32(content)),
    word(content.length),
    word(content.length),
    half(name.length),
    half(0),
  ]);
}

function half(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeUInt16LE(value);
  return buffer;
}

function word(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value >>> 0);
  return buffer;
}

/** Bytes of a directory entry before the name, and where in it the fields are. */
const ENTRY = { length: 46, size: 24, name: 28, offset: 42 };
const LOCAL_LENGTH = 30;
const END_LENGTH = 22;

/** The files of an archive that `zip` made; undefined for any other text. */
export function unzip(archive: Uint8Array): ZipFile[] | undefined {
  const buffer = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength);
  const end = buffer.length - END_LENGTH;
  if (end < 0 || buffer.readUInt32LE(end) !== END) return undefined;
  const files: ZipFile[] = [];
  let at = buffer.readUInt32LE(end + 16);
  for (let left = buffer.readUInt16LE(end + 10); left > 0; left--) {
    if (at + ENTRY.length > end || buffer.readUInt32LE(at) !== CENTRAL_HEADER) return undefined;
    const nameLength = buffer.readUInt16LE(at + ENTRY.name);
    const start = buffer.readUInt32LE(at + ENTRY.offset) + LOCAL_LENGTH + nameLength;
    const stop = start + buffer.readUInt32LE(at + ENTRY.size);
    if (stop > end) return undefined;
    const path = buffer.toString("utf8", at + ENTRY.length, at + ENTRY.length + nameLength);
    files.push({ path, content: buffer.subarray(start, stop) });
    at += ENTRY.length + nameLength;
  }
  return files;
}
