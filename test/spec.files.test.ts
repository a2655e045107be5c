import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readSources } from "../orchestrator/spec/files.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sparkwright-files-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(path: string, content: string | Uint8Array = "a: 1"): void {
  mkdirSync(join(folder, path, ".."), { recursive: true });
  writeFileSync(join(folder, path), content);
}

test("a folder is read recursively, in order of names, without schema, node_modules and hidden files", () => {
  for (const path of [
    "b.yaml",
    "a/z.yml",
    "a/y.json",
    "notes.txt",
    "schema/x.json",
    "node_modules/p/x.yaml",
    ".git/x.yaml",
    ".x.yaml",
    "C.YAML",
  ])
    put(path);
  const { sources, problems } = readSources(["."], folder);
  expect(problems).toEqual([]);
  expect(sources.map((source) => source.file)).toEqual(["C.YAML", "a/y.json", "a/z.yml", "b.yaml"]);
  expect(sources[1]?.folder).toBe(join(folder, "a"));
});

test("a file named twice is read once", () => {
  put("a.yaml");
  symlinkSync(join(folder, "a.yaml"), join(folder, "b.yaml"));
  expect(readSources(["a.yaml", "./a.yaml", "."], folder).sources.map((source) => source.file)).toEqual(["a.yaml"]);
});

test("a link that leads back is followed once", () => {
  put("sub/a.yaml");
  symlinkSync(folder, join(folder, "sub", "up"));
  expect(readSources(["."], folder).sources.map((source) => source.file)).toEqual(["sub/a.yaml"]);
});

test.for([
  ["missing", (): void => undefined, "missing", "cannot be read: no such file or folder"],
  [
    "empty",
    (): string | undefined => mkdirSync(join(folder, "empty"), { recursive: true }),
    "empty",
    "no *.yaml, *.yml or *.json file in this folder",
  ],
  [
    "latin1.yaml",
    (): void => put("latin1.yaml", new Uint8Array([0x61, 0xe9])),
    "latin1.yaml",
    "the file is not UTF-8 text",
  ],
  [
    "big.yaml",
    (): void => put("big.yaml", "#".repeat(5_000_000)),
    "big.yaml",
    "the file has 4.8 MiB, more than the 1 MiB a spec file may have",
  ],
] as const)("%s", ([, make, path, message]) => {
  make();
  put("good.yaml");
  const { sources, problems } = readSources([path, "good.yaml"], folder);
  expect(problems.map((problem) => `${problem.file}:${problem.line} ${problem.message}`)).toEqual([
    `${path}:0 ${message}`,
  ]);
  expect(sources.map((source) => source.file)).toEqual(["good.yaml"]);
});

test("a file without permission", () => {
  put("a.yaml");
  chmodSync(join(folder, "a.yaml"), 0);
  const { problems } = asNobody(() => readSources(["a.yaml"], folder));
  expect(problems[0]?.message).toBe("cannot be read: no permission to read it");
});

/** Does something without the powers of root, who may read everything. */
function asNobody<T>(work: () => T): T {
  if (process.getuid?.() !== 0) return work();
  process.seteuid?.(NOBODY);
  try {
    return work();
  } finally {
    process.seteuid?.(0);
  }
}

const NOBODY = 65534;
