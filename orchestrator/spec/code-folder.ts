/** @module The files of a folder of job code. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

/** Folders that no job imports from. */
const SKIPPED = ["__pycache__", "tests", "node_modules", "venv"];

export interface CodeFiles {
  read(path: string): Uint8Array | undefined;
  list(): readonly string[];
}

/** Reads below `root`, each file once: what was read is what was digested. Hidden files, tests and compiled files are no code. */
export function openCode(root: string): CodeFiles {
  const contents = new Map<string, Uint8Array | undefined>();
  let listed: string[] | undefined;
  return {
    read(path) {
      if (!contents.has(path)) contents.set(path, readIfFile(join(root, path)));
      return contents.get(path);
    },
    list() {
      listed ??= filesBelow(root, "").toSorted();
      return listed;
    },
  };
}

function readIfFile(path: string): Uint8Array | undefined {
  return existsSync(path) && statSync(path).isFile() ? readFileSync(path) : undefined;
}

function filesBelow(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith(".") || SKIPPED.includes(entry.name) || entry.name.endsWith(".pyc")) return [];
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return filesBelow(root, path);
    return entry.isFile() ? [path] : [];
  });
}

/** Absolute folder of the jobs shipped with the product: the first `spark-jobs` beside or above `from`; undefined when there is none. */
export function shippedCode(from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, "spark-jobs");
    if (existsSync(join(candidate, "sparkjobs", "__init__.py"))) return candidate;
    if (dirname(folder) === folder) return undefined;
  }
}
