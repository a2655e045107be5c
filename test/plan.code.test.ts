import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { codeDigest, type CodeFolder, importClosure } from "../orchestrator/plan/code.ts";
import { importsOf } from "../orchestrator/plan/python-imports.ts";
import { openCode } from "../orchestrator/spec/code-folder.ts";

function folder(files: Record<string, string>): CodeFolder {
  return {
    read: (path) => (Object.hasOwn(files, path) ? new TextEncoder().encode(files[path]) : undefined),
    list: () => Object.keys(files),
  };
}

const closure = (files: Record<string, string>): string[] =>
  importClosure("jobs/main.py", folder(files)).map((file) => file.path);
const ALL = {
  "pkg/__init__.py": "",
  "pkg/a.py": "",
  "pkg/b.py": "",
  "pkg/sub/__init__.py": "",
  "pkg/sub/c.py": "",
  "other.py": "",
};

describe("importClosure()", () => {
  test.for([
    ["import pkg.a", ["pkg/__init__.py", "pkg/a.py"]],
    ["import os, pkg.a as x, other", ["other.py", "pkg/__init__.py", "pkg/a.py"]],
    ["from pkg import a, b", ["pkg/__init__.py", "pkg/a.py", "pkg/b.py"]],
    ["from pkg import (\n    a,  # why\n    b as c,\n)", ["pkg/__init__.py", "pkg/a.py", "pkg/b.py"]],
    ["from pkg.a import function", ["pkg/__init__.py", "pkg/a.py"]],
    ["from pkg.sub.c import x", ["pkg/__init__.py", "pkg/sub/__init__.py", "pkg/sub/c.py"]],
    ["from pkg \\\n  import a", ["pkg/__init__.py", "pkg/a.py"]],
    ["def late():\n    from pkg import a\n    return a", ["pkg/__init__.py", "pkg/a.py"]],
    ["try: import other\nexcept ImportError: pass", ["other.py"]],
    ["x = 1; import other", ["other.py"]],
    ["if TYPE_CHECKING:\n\timport other", ["other.py"]],
    ["import numpy as np\nfrom pyspark.sql import functions as F", []],
    ['"""import other\nfrom pkg import a"""\nx = "import other"\n# import other', []],
    ["x = f'{a[\"import other\"]}'", []],
    ["import_other = 1\nfrom_pkg = 2", []],
    ["version = metadata()\nimport importlib.metadata", []],
    ["model.eval()\nmodel.compile(x)", []],
  ] as const)("%j", ([text, expected]) => {
    expect(closure({ ...ALL, "jobs/main.py": text })).toEqual(["jobs/main.py", ...expected].toSorted());
  });

  test("follows modules, relative imports and a circle", () => {
    const files = {
      ...ALL,
      "jobs/main.py": "from pkg.sub import c",
      "pkg/sub/c.py": "from ..a import x\nfrom . import d",
      "pkg/sub/d.py": "from .c import y",
      "pkg/a.py": "import other",
    };
    expect(closure(files)).toEqual([
      "jobs/main.py",
      "other.py",
      "pkg/__init__.py",
      "pkg/a.py",
      "pkg/sub/__init__.py",
      "pkg/sub/c.py",
      "pkg/sub/d.py",
    ]);
  });

  test("finds modules beside the main file", () => {
    expect(closure({ "jobs/main.py": "import near", "jobs/near.py": "", "far.py": "" })).toEqual([
      "jobs/main.py",
      "jobs/near.py",
    ]);
  });

  test.for([
    "import importlib\nimportlib.import_module(name)",
    "from importlib import import_module",
    "__import__('pkg.a')",
    "exec(text)",
    "from pkg import *",
    "x = (",
    "x = 'unfinished",
    '"""unfinished',
    "import 1",
  ])("counts the whole folder for %j", (text) => {
    const files = { ...ALL, "jobs/main.py": text, "query.sql": "select" };
    expect(closure(files)).toEqual(Object.keys(files).toSorted());
  });

  test.for([
    "open(Path(__file__).parent / 'query.sql')",
    "from importlib.resources import files",
    "from importlib import resources",
    "import importlib.resources as r",
  ])("adds the files that are no modules for %j", (text) => {
    expect(closure({ ...ALL, "jobs/main.py": text, "query.sql": "select" })).toEqual(["jobs/main.py", "query.sql"]);
  });

  test("a path to the code itself adds nothing", () => {
    const text = "import sys\nsys.path.insert(0, str(Path(__file__).parent.parent))";
    expect(closure({ ...ALL, "jobs/main.py": text, "query.sql": "select" })).toEqual(["jobs/main.py"]);
  });

  test("an edited module changes the digest of the jobs that import it, and of no other", () => {
    const digests = (files: Record<string, string>): string[] =>
      ["jobs/main.py", "jobs/two.py"].map((main) => codeDigest(importClosure(main, folder(files))));
    const files = { ...ALL, "jobs/main.py": "import pkg.a", "jobs/two.py": "import other" };
    const [one, two] = digests(files);
    expect(digests({ ...files, "pkg/a.py": "x = 1" })).toEqual([expect.not.stringMatching(one ?? ""), two]);
    expect(digests({ ...files, "pkg/b.py": "x = 1" })).toEqual([one, two]);
  });

  test("reads any text to an end", () => {
    const piece = fc.oneof(
      fc.constantFrom("import a", "from . import b", "\n", "(", ")", '"""', "'", "#", "\\\n", ";", ":", " "),
      fc.string({ maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const found = importsOf(pieces.join(""));
        for (const { module } of found?.imports ?? []) expect(module).not.toMatch(/\s/);
      }),
      { numRuns: 1000 },
    );
  });
});

test("the shipped jobs import only a part of the package", () => {
  const code = openCode(new URL("../spark-jobs", import.meta.url).pathname);
  const files = importClosure("jobs/features.py", code).map((file) => file.path);
  expect(files).toContain("sparkjobs/features.py");
  expect(files).not.toContain("sparkjobs/txt.py");
});
