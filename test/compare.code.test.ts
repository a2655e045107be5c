import { describe, expect, test } from "vitest";
import { compareCode, type StepCode } from "../orchestrator/compare/code.ts";

describe("compareCode()", () => {
  const NAMES = { a: "shop-1", b: "shop-2" };
  const code = (digest: string, files: Record<string, string>): StepCode => ({
    digest,
    files: Object.entries(files).map(([path, content]) => ({ path, sha256: content })),
    contents: new Map(Object.entries(files).map(([path, content]) => [path, Buffer.from(content)])),
  });

  test("names a file once, with the steps that have it", () => {
    const a = code("1", { "job.py": "x\n", "gone.py": "g\n" });
    const b = code("2", { "job.py": "y\n", "new.py": "n\n" });
    const { steps, modules, gone } = compareCode(
      { clean: a, score: a, same: a },
      { clean: b, score: b, same: a },
      NAMES,
    );
    expect({ steps, gone }).toEqual({ steps: ["clean", "score"], gone: { a: [], b: [] } });
    expect(modules).toEqual([
      {
        path: "gone.py",
        in: "a",
        steps: ["clean", "score"],
        diff: "--- shop-1/gone.py\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-g\n",
      },
      {
        path: "job.py",
        in: "both",
        steps: ["clean", "score"],
        diff: "--- shop-1/job.py\n+++ shop-2/job.py\n@@ -1,1 +1,1 @@\n-x\n+y\n",
      },
      {
        path: "new.py",
        in: "b",
        steps: ["clean", "score"],
        diff: "--- /dev/null\n+++ shop-2/new.py\n@@ -0,0 +1,1 @@\n+n\n",
      },
    ]);
  });

  test("says whose code is gone, and leaves out steps that only one run has", () => {
    const a = code("1", { "job.py": "x\n" });
    const found = compareCode({ clean: a, mine: a }, { clean: { digest: "2" }, other: a }, NAMES);
    expect(found).toEqual({ steps: ["clean"], modules: [], gone: { a: [], b: ["clean"] } });
  });

  test("what is no text has no lines", () => {
    const of = (digest: string, bytes: number[]): StepCode => ({
      digest,
      files: [{ path: "t.bin", sha256: digest }],
      contents: new Map([["t.bin", Uint8Array.from(bytes)]]),
    });
    const { modules } = compareCode({ s: of("1", [0, 1]) }, { s: of("2", [0xff]) }, NAMES);
    expect(modules.map(({ diff }) => diff)).toEqual(["Binary file t.bin differs\n"]);
  });
});
