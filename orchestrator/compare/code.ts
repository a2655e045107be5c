/** @module Which files of the code differ between two runs. */
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from "diff";
import { keysOf } from "../differences.ts";
import type { CodeFile } from "../plan/code.ts";

/** As `diff -u` and `patch` name a file that is not there. */
const ABSENT = "/dev/null";
const PATCH = { context: 3, headerOptions: FILE_HEADERS_ONLY };

/** The code that a step was given. */
export interface StepCode {
  digest: string;
  /** Absent when the package is gone from the store, or nobody looked. */
  files?: readonly CodeFile[];
  /** Content by path, where the changed lines are asked for. */
  contents?: ReadonlyMap<string, Uint8Array>;
}

export interface ModuleDifference {
  path: string;
  in: "a" | "b" | "both";
  /** Steps that have it. */
  steps: string[];
  /** Unified diff, where it is asked for and both texts are there. */
  diff?: string;
}

export interface CodeCompared {
  /** Steps whose code differs. */
  steps: string[];
  modules: ModuleDifference[];
  /** Steps whose code is gone, so that nobody can tell what differs. */
  gone: { a: string[]; b: string[] };
}

type Codes = Record<string, StepCode>;

/** `names` of the two runs head the diffs. Steps that only one run has are left out. */
export function compareCode(a: Codes, b: Codes, names: { a: string; b: string }): CodeCompared {
  const found = new Map<string, ModuleDifference>();
  const differing = keysOf(a, b).filter((step) => {
    const [mine, other] = [a[step], b[step]];
    return mine !== undefined && other !== undefined && mine.digest !== other.digest;
  });
  for (const step of differing) {
    const [mine, other] = [a[step], b[step]];
    if (mine?.files === undefined || other?.files === undefined) continue;
    for (const [path, before, now] of changedFiles(mine.files, other.files)) {
      const key = JSON.stringify([path, before, now]);
      const known = found.get(key);
      if (known === undefined) found.set(key, { ...moduleOf(path, before, now, mine, other, names), steps: [step] });
      else known.steps.push(step);
    }
  }
  const goneFrom = (codes: Codes) => differing.filter((step) => codes[step]?.files === undefined);
  const modules = [...found.values()].toSorted((one, two) => (one.path < two.path ? -1 : 1));
  return { steps: differing, modules, gone: { a: goneFrom(a), b: goneFrom(b) } };
}

/** Path with the digests on either side. */
function changedFiles(
  a: readonly CodeFile[],
  b: readonly CodeFile[],
): [string, string | undefined, string | undefined][] {
  const [before, now] = [a, b].map((files) => Object.fromEntries(files.map(({ path, sha256 }) => [path, sha256])));
  return keysOf(before ?? {}, now ?? {})
    .filter((path) => before?.[path] !== now?.[path])
    .map((path) => [path, before?.[path], now?.[path]]);
}

function moduleOf(
  path: string,
  before: string | undefined,
  now: string | undefined,
  mine: StepCode,
  other: StepCode,
  names: { a: string; b: string },
): Omit<ModuleDifference, "steps"> {
  const side = before === undefined ? "b" : now === undefined ? "a" : "both";
  if (mine.contents === undefined || other.contents === undefined) return { path, in: side };
  const texts = [mine.contents.get(path), other.contents.get(path)].map(textIn);
  const [old, next] = texts;
  if (old === undefined || next === undefined) return { path, in: side, diff: `Binary file ${path} differs\n` };
  const heads = [side === "b" ? ABSENT : `${names.a}/${path}`, side === "a" ? ABSENT : `${names.b}/${path}`] as const;
  return { path, in: side, diff: createTwoFilesPatch(...heads, old, next, undefined, undefined, PATCH) };
}

/** Empty for no file; undefined for content that is no text. */
function textIn(content: Uint8Array | undefined): string | undefined {
  if (content?.includes(0) === true) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    return undefined;
  }
}
