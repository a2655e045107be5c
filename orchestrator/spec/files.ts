/** @module `-f FILE|DIR|-`: the texts to read specs from. The only place of spec reading that touches files. */
import { closeSync, existsSync, openSync, readdirSync, readSync, realpathSync, statSync } from "node:fs";
import { dirname, extname, join, resolve } from "node:path";
import type { Problem } from "../problem.ts";
import { MAX_BYTES, tooLarge } from "./guard.ts";
import type { Source } from "./parse.ts";

const EXTENSIONS = [".yaml", ".yml", ".json"];
/** Folders that hold no specs: generated editor schemas and installed packages. Hidden ones are skipped too. */
const SKIPPED = ["schema", "node_modules"];
const STDIN = 0;
const MAX_FILES = 10_000;

export interface SourceFiles {
  sources: Source[];
  problems: Problem[];
}

/**
 * Reads the files of `-f`: files of any name, folders recursively (*.yaml, *.yml, *.json in order of their names), `-` for standard input.
 * A file named twice is read once. What cannot be read becomes a problem, and the rest is read all the same.
 */
export function readSources(paths: readonly string[], cwd: string = process.cwd()): SourceFiles {
  const found: SourceFiles = { sources: [], problems: [] };
  const seen = new Set<string>();
  for (const path of paths) {
    if (path === "-") readOne(found, seen, "<stdin>", STDIN, cwd);
    else if (path === "")
      found.problems.push(whole('""', "an empty name", "name a file, a folder, or - for standard input"));
    else readPath(found, seen, path, cwd);
  }
  return found;
}

/** Whether a path names a file; for `load`. */
export function fileExists(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}

function readPath(found: SourceFiles, seen: Set<string>, path: string, cwd: string): void {
  const absolute = resolve(cwd, path);
  try {
    if (!statSync(absolute).isDirectory()) return readOne(found, seen, path, absolute, dirname(absolute));
    if (readFolder(found, seen, path, absolute) > 0) return;
    const remedy = "name a folder that holds specs; sparkwright init makes one";
    found.problems.push(whole(path, "no *.yaml, *.yml or *.json file in this folder", remedy));
  } catch (error) {
    found.problems.push(unreadable(path, error));
  }
}

/** Reads a folder; the number of spec files met in it, read before or not. */
function readFolder(found: SourceFiles, seen: Set<string>, shown: string, folder: string): number {
  const real = realpathSync(folder);
  if (seen.has(real)) return 1;
  seen.add(real);
  let met = 0;
  for (const name of readdirSync(folder).toSorted((a, b) => (a < b ? -1 : 1))) {
    if (name.startsWith(".") || SKIPPED.includes(name)) continue;
    const [path, absolute] = [join(shown, name), join(folder, name)];
    try {
      if (statSync(absolute).isDirectory()) met += readFolder(found, seen, path, absolute);
      else if (EXTENSIONS.includes(extname(name).toLowerCase())) {
        met++;
        readOne(found, seen, path, absolute, folder);
      }
    } catch (error) {
      found.problems.push(unreadable(path, error));
    }
  }
  return met;
}

function readOne(found: SourceFiles, seen: Set<string>, file: string, from: string | number, folder: string): void {
  try {
    const identity = typeof from === "string" ? realpathSync(from) : "-";
    if (seen.has(identity)) return;
    seen.add(identity);
    if (found.sources.length >= MAX_FILES) throw new RangeError(`more than ${MAX_FILES} files`);
    const bytes = readBounded(from);
    if (bytes === undefined) {
      const size = typeof from === "string" ? statSync(from).size : 0;
      found.problems.push({ file, line: 0, column: 0, path: "", ...tooLarge(Math.max(size, MAX_BYTES + 1)) });
      return;
    }
    const text = decode(bytes);
    if (text === undefined) found.problems.push(whole(file, "the file is not UTF-8 text", "save it as UTF-8"));
    else found.sources.push({ file, folder, text });
  } catch (error) {
    found.problems.push(unreadable(file, error));
  }
}

/** Everything up to the limit, or undefined when there is more. Pipes have no size, so it is counted while reading. */
function readBounded(from: string | number): Buffer | undefined {
  const descriptor = typeof from === "number" ? from : openSync(from, "r");
  try {
    const chunks: Buffer[] = [];
    let total = 0;
    while (total <= MAX_BYTES) {
      const chunk = Buffer.alloc(65_536);
      const count = readSync(descriptor, chunk, 0, chunk.length, null);
      if (count === 0) return Buffer.concat(chunks);
      chunks.push(chunk.subarray(0, count));
      total += count;
    }
    return undefined;
  } finally {
    if (typeof from === "string") closeSync(descriptor);
  }
}

function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const REASONS: Record<string, string> = {
  ENOENT: "no such file or folder",
  EACCES: "no permission to read it",
  ENOTDIR: "a part of the path is no folder",
  ELOOP: "its links go round in a circle",
  EISDIR: "it is a folder",
};

function unreadable(file: string, error: unknown): Problem {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const why = REASONS[code] ?? (error instanceof Error ? error.message : String(error));
  return whole(file, `cannot be read: ${why}`, "check the path given with -f");
}

function whole(file: string, message: string, remedy: string): Problem {
  return { file, line: 0, column: 0, path: "", message, remedy };
}
