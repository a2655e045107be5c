/** @module The code a job runs: its main file and every module of the code folder that it imports, directly or not. Pure over what can be read. */
import { createHash } from "node:crypto";
import { digest } from "../json.ts";
import { type Imports, importsOf } from "./python-imports.ts";

/** A folder of code; paths are relative to it, with `/`. */
export interface CodeFolder {
  /** Content of a file, undefined when there is none. */
  read(path: string): Uint8Array | undefined;
  /** Every file a job might use. */
  list(): readonly string[];
}

export interface CodeFile {
  path: string;
  /** Hex. */
  sha256: string;
}

/** Digest of a set of files: equal content, equal digest. */
export function codeDigest(files: readonly CodeFile[]): string {
  return digest(files.map(({ path, sha256 }) => [path, sha256]));
}

/**
 * Files that decide what `main` does, sorted by path. Modules are looked for in the code folder and beside the main file, as Python does; what is in
 * neither belongs to the image. A module that looks for files beside it adds all files that are no modules. Where imports cannot be followed
 * (importlib, exec, a text that is not Python) the whole folder counts.
 */
export function importClosure(main: string, folder: CodeFolder): CodeFile[] {
  const roots = [...new Set(["", parentOf(main)])];
  const found = new Set<string>([main]);
  const waiting = [main];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const content = folder.read(path);
    const parsed = content === undefined ? undefined : importsIn(content);
    if (parsed === undefined) return hashed([main, ...folder.list()], folder);
    const next = filesOf(parsed, path, roots, folder);
    if (next === "all") return hashed([main, ...folder.list()], folder);
    // Which file it reads is not to be seen from here, but modules are not read as files.
    const read = parsed.readsFiles ? folder.list().filter((file) => !file.endsWith(".py")) : [];
    for (const file of read) found.add(file);
    for (const file of next) {
      if (found.has(file)) continue;
      found.add(file);
      waiting.push(file);
    }
  }
  return hashed([...found], folder);
}

/** Jobs of one folder share most modules; a text is parsed once as long as the folder keeps it. */
const parsedBefore = new WeakMap<Uint8Array, { parsed: Imports | undefined }>();

function importsIn(content: Uint8Array): Imports | undefined {
  const known = parsedBefore.get(content) ?? { parsed: importsOf(new TextDecoder().decode(content)) };
  parsedBefore.set(content, known);
  return known.parsed;
}

function hashed(paths: readonly string[], folder: CodeFolder): CodeFile[] {
  return [...new Set(paths)].toSorted().flatMap((path) => {
    const content = folder.read(path);
    return content === undefined ? [] : [{ path, sha256: createHash("sha256").update(content).digest("hex") }];
  });
}

function filesOf(
  { imports }: Imports,
  importer: string,
  roots: readonly string[],
  folder: CodeFolder,
): string[] | "all" {
  const files: string[] = [];
  for (const { module, level, names } of imports) {
    const bases = level === 0 ? roots : [ancestor(importer, level)];
    const parts = module === "" ? [] : module.split(".");
    for (const base of bases) {
      const here = moduleFiles(base, parts, folder);
      if (here === undefined) continue;
      files.push(...here);
      // `from package import name`: the name may be a module of the package.
      for (const name of names) {
        // A star may take in every module that the package lists as its own.
        if (name === "*" && here.at(-1)?.endsWith("/__init__.py") === true) return "all";
        files.push(...(moduleFiles(base, [...parts, ...name.split(".")], folder) ?? []));
      }
      break;
    }
  }
  return files;
}

/** Files that importing `base/a/b/c` runs: each package's `__init__.py`, then the module; undefined when there is no such module. */
function moduleFiles(base: string, parts: readonly string[], folder: CodeFolder): string[] | undefined {
  const files: string[] = [];
  let path = base;
  for (const [index, part] of parts.entries()) {
    path = path === "" ? part : `${path}/${part}`;
    const isPackage = folder.read(`${path}/__init__.py`) !== undefined;
    if (isPackage) files.push(`${path}/__init__.py`);
    else if (folder.read(`${path}.py`) !== undefined) {
      // Nothing can be inside a module; what follows is a name in it.
      return index === parts.length - 1 ? [...files, `${path}.py`] : undefined;
    } else if (index === parts.length - 1 || !folder.list().some((file) => file.startsWith(`${path}/`)))
      return undefined;
  }
  if (parts.length === 0 && folder.read(`${base}/__init__.py`) !== undefined) files.push(`${base}/__init__.py`);
  return files;
}

/** Folder that a relative import of so many dots starts from. */
function ancestor(importer: string, level: number): string {
  let folder = importer;
  for (let dots = level; dots > 0; dots--) folder = parentOf(folder);
  return folder;
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

/** Name of packed code: of its files and of which of them is run, for one set of files can have two main files. */
export function packedDigest(main: string, files: readonly CodeFile[]): string {
  return codeDigest([{ path: `main ${main}`, sha256: "" }, ...files]);
}

/** Where the parts of packed code lie below its folder, a path or a URI. */
export function packedPlaces(folder: string, main: string): { main: string; archive: string } {
  return { main: `${folder}/main/${main}`, archive: `${folder}/code.zip` };
}
