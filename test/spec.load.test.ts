import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fileExists, readSources } from "../orchestrator/spec/files.ts";
import { guard } from "../orchestrator/spec/guard.ts";
import { load } from "../orchestrator/spec/load.ts";
import { parsePath, pathText } from "../orchestrator/spec/path.ts";
import { dataset, documentsOf, doc, pipeline, SHIPPED, sparkJob, TARGET, textOf } from "./specs.ts";

const REPOSITORY = new URL("..", import.meta.url).pathname.replace(/\/$/, "");

test("the shipped specs are right", () => {
  const { sources, problems } = readSources(["job-specs"], REPOSITORY);
  const loaded = load(sources, { shippedCode: `${REPOSITORY}/spark-jobs`, exists: fileExists });
  expect([...problems, ...loaded.problems]).toEqual([]);
  expect(loaded.documents.map((document) => document.kind)).toContain("Pipeline");
});

test("JSON is read like YAML", () => {
  const spec = {
    apiVersion: "sparkwright.dev/v1alpha1",
    kind: "Dataset",
    metadata: { name: "x" },
    spec: { format: "csv" },
  };
  const { documents, problems } = load([{ file: "x.json", folder: "/", text: JSON.stringify(spec, null, "\t") }], {
    shippedCode: SHIPPED,
  });
  expect(problems).toEqual([]);
  expect(documents[0]?.spec).toMatchObject({ format: "csv" });
});

test("problems of all files come in order of file and line", () => {
  const sources = ["b.yaml", "a.yaml"].map((file) => ({ file, folder: "/", text: textOf(dataset("X"), dataset("Y")) }));
  const places = load(sources, { shippedCode: SHIPPED }).problems.map(({ file, line }) => `${file}:${line}`);
  expect(places).toEqual(["b.yaml:4", "b.yaml:11", "a.yaml:4", "a.yaml:11"]);
});

test("a missing main file is named with the folder it was looked for in", () => {
  const text = textOf(dataset("x"), sparkJob("a", [], ["x"], "code: ../code"));
  const { problems } = load([{ file: "f.yaml", folder: "/specs", text }], {
    shippedCode: SHIPPED,
    exists: () => false,
  });
  expect(problems).toEqual([
    {
      file: "f.yaml",
      line: 13,
      column: 9,
      path: "spec.main",
      message: 'main file "jobs/any.py" is not in code folder "../code"',
      remedy: "looked for /code/jobs/any.py",
    },
  ]);
});

test("a spec is frozen, defaults and all", () => {
  const [target] = documentsOf(TARGET);
  expect(Object.isFrozen(target?.spec)).toBe(true);
  expect(target?.kind === "Target" && Object.isFrozen(target.spec.sizes["small"]?.executor)).toBe(true);
});

test("a parameter without default is stood in for, and references through it are left open", () => {
  const text = textOf(
    dataset("x"),
    doc(
      "SparkJob",
      "a",
      "main: jobs/any.py\nparams: { table: { type: string } }\ninputs: { r: '${params.table}' }\noutputs: { o: x }",
    ),
    pipeline("p", ["a"], "params: { table: { type: string } }"),
  );
  expect(load([{ file: "f", folder: "/", text }], { shippedCode: SHIPPED }).problems).toEqual([]);
});

describe("any text", () => {
  const place = (file: string, text: string): void => {
    const lines = text.split("\n").length;
    for (const problem of load([{ file, folder: "/", text }], { shippedCode: SHIPPED }).problems) {
      expect(problem.line).toBeGreaterThanOrEqual(0);
      expect(problem.line).toBeLessThanOrEqual(lines);
      expect(problem.column).toBeGreaterThanOrEqual(problem.line === 0 ? 0 : 1);
      expect(problem.column).toBeLessThanOrEqual((text.split("\n")[problem.line - 1]?.length ?? 0) + 1);
      expect(problem.message).not.toBe("");
    }
  };

  test("never crashes the loader, and every problem lies inside it", () => {
    const word = fc.oneof(
      fc.constantFrom(
        "\n",
        "  ",
        "- ",
        "? ",
        ": ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "&a ",
        "*a",
        "|\n",
        ">-\n",
        "---\n",
        "...\n",
        "!x ",
        "#",
        "%YAML 1.2\n",
        "'",
        '"',
        "\\",
        "\t",
      ),
      fc.constantFrom(
        "apiVersion: sparkwright.dev/v1alpha1\n",
        "kind: Dataset\n",
        "metadata: { name: x }\n",
        "spec:\n",
        "${params.x}",
        "$${",
        "{{ x }}",
      ),
      fc.string({ maxLength: 8, unit: "binary" }),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 60 }), (words) => place("f.yaml", words.join(""))),
      { numRuns: 1500 },
    );
  });

  test("a valid spec with one piece cut out or put in gives problems inside it, or none", () => {
    const whole = textOf(
      dataset("x"),
      TARGET,
      sparkJob("a", [], ["x"], "settings: { a: '${run.id}' }"),
      pipeline("p", ["a"]),
    );
    const edit = fc.tuple(
      fc.nat(whole.length),
      fc.nat(40),
      fc.constantFrom("", " ", "\n", "x", ":", "- ", "{", "]", "1", "null", "${", "a: &a [*a]\n"),
    );
    fc.assert(
      fc.property(edit, ([at, length, piece]) =>
        place("f.yaml", whole.slice(0, at) + piece + whole.slice(at + length)),
      ),
      { numRuns: 1500 },
    );
  });

  test("depth is bounded before parsing, however it is written", () => {
    const opener = fc.constantFrom("[", "{a: ", "- ", "? ", "[[", "- - ", "{a: [");
    fc.assert(
      fc.property(fc.array(opener, { minLength: 140, maxLength: 400 }), (openers) => {
        expect(guard("f", openers.join("")).problems.length).toBeGreaterThan(0);
      }),
      { numRuns: 200 },
    );
  });
});

test("parsePath() reads what pathText() writes", () => {
  const part = fc.oneof(
    fc.nat(999),
    fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/),
    fc.string({ minLength: 1, maxLength: 6 }),
  );
  const path = fc
    .tuple(fc.stringMatching(/^[a-z]{1,8}$/), fc.array(part, { maxLength: 4 }))
    .map(([first, rest]) => [first, ...rest]);
  fc.assert(
    fc.property(path, (parts) => {
      expect(parsePath(pathText(parts))).toEqual(parts);
    }),
  );
  expect(parsePath("dayparts.0.from")).toEqual(["dayparts", 0, "from"]);
  for (const wrong of ["", "a..b", "a[", "[x]", "a b", "__proto__.x", "a.constructor"])
    expect(parsePath(wrong)).toBeUndefined();
});
