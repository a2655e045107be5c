/** What documents say about each other: every mistake with its place and words that can be acted upon. */
import { describe, expect, test } from "vitest";
import { dataset, doc, pipeline, problemsOf, sparkJob, TARGET, textOf } from "./specs.ts";

const INFERENCE = `inputs: { scorer: x, lines: x, segments: x, campaigns: x, coupons: x }
rules: offer-rules
outputs: { offers: x }
asOf: "2020-01-01"
tables:
  campaigns: { campaign: a, start: b, end: c }
  coupons: { campaign: a, coupon: b, item: c }`;

describe("documents among each other", () => {
  const [x, y, z] = [dataset("x"), dataset("y"), dataset("z")];
  test.for([
    [
      "cycle of two",
      textOf(x, y, sparkJob("a", ["y"], ["x"]), sparkJob("b", ["x"], ["y"]), pipeline("p", ["a", "b"])),
      "39:12 spec.jobs[0].job: jobs wait for each other in a cycle: a -> b -> a",
    ],
    [
      "cycle of three, in the order of the data",
      textOf(
        x,
        y,
        z,
        sparkJob("a", ["z"], ["x"]),
        sparkJob("b", ["x"], ["y"]),
        sparkJob("c", ["y"], ["z"]),
        pipeline("p", ["a", "b", "c"]),
      ),
      "55:12 spec.jobs[0].job: jobs wait for each other in a cycle: a -> b -> c -> a",
    ],
    [
      "job that reads what it writes",
      textOf(x, sparkJob("a", ["x"], ["x"]), pipeline("p", ["a"])),
      "23:12 spec.jobs[0].job: jobs wait for each other in a cycle: a -> a",
    ],
    [
      "cycle by after",
      textOf(
        x,
        y,
        sparkJob("a", [], ["x"]),
        sparkJob("b", [], ["y"]),
        pipeline("p", ["{ job: a, after: [b] }", "{ job: b, after: [a] }"]),
      ),
      "39:14 spec.jobs[0].job: jobs wait for each other in a cycle: a -> b -> a",
    ],
    [
      "dataset nobody writes",
      textOf(x, y, sparkJob("b", ["x"], ["y"]), pipeline("p", ["b"])),
      '21:17 spec.inputs.r0: nobody writes dataset "x": no job of pipeline "p" does, and it has no source',
    ],
    [
      "two writers of one dataset",
      textOf(x, sparkJob("a", [], ["x"]), sparkJob("b", [], ["x"]), pipeline("p", ["a", "b"])),
      '24:18 spec.outputs.r0: two writers of dataset "x" in pipeline "p": "a" and "b"',
    ],
    [
      "one job, one dataset, two outputs",
      textOf(x, sparkJob("a", [], ["x", "x"])),
      '15:25 spec.outputs.r1: outputs "r0" and "r1" both write dataset "x"',
    ],
    ["two datasets of one name", textOf(x, x), '11:9 metadata.name: a second Dataset "x"; the first is at f.yaml:4:9'],
    [
      "two jobs of one name, kinds aside",
      textOf(
        x,
        sparkJob("a", [], ["x"]),
        doc(
          "SegmentationJob",
          "a",
          "inputs: { features: x }\noutputs: { model: m, segments: x, profile: p }\nfeatures: [c]",
        ),
        dataset("m", "format: model"),
        dataset("p"),
      ),
      '20:9 metadata.name: a second job "a"; the first is at f.yaml:11:9',
    ],
    [
      "unknown dataset",
      textOf(dataset("clean"), sparkJob("a", ["claen"], ["clean"])),
      '14:17 spec.inputs.r0: unknown dataset "claen"; did you mean "clean"?',
    ],
    [
      "unknown size",
      textOf(x, TARGET, sparkJob("a", [], ["x"], "size: smal")),
      '27:9 spec.size: no target has size "smal"; did you mean "small"?',
    ],
    [
      "unknown source",
      textOf(TARGET, dataset("d", "source: shp\npath: d")),
      '17:11 spec.source: no target has source "shp"; did you mean "shop"?',
    ],
    [
      "unknown job",
      textOf(x, sparkJob("count", [], ["x"]), pipeline("p", ["count", "cuont"])),
      '24:12 spec.jobs[1].job: unknown job "cuont"; did you mean "count"?',
    ],
    [
      "job listed twice",
      textOf(x, sparkJob("a", [], ["x"]), pipeline("p", ["a", "a"])),
      '24:12 spec.jobs[1].job: job "a" is listed twice',
    ],
    [
      "after a job of elsewhere",
      textOf(x, sparkJob("a", [], ["x"]), pipeline("p", ["{ job: a, after: [count] }"])),
      '23:25 spec.jobs[0].after[0]: job "count" is not in this pipeline; known: "a"',
    ],
    [
      "published but not written",
      textOf(dataset("clean"), sparkJob("a", [], ["clean"]), pipeline("p", ["a"], "publish: [cleen]")),
      '22:13 spec.publish[0]: unknown dataset "cleen"; did you mean "clean"?',
    ],
    [
      "output to data from outside",
      textOf(dataset("x", "source: shop\npath: x"), TARGET, sparkJob("a", [], ["x"])),
      '27:18 spec.outputs.r0: dataset "x" comes from outside (source "shop"); a job cannot write it',
    ],
    [
      "path out of its source",
      textOf(TARGET, dataset("d", "source: shop\npath: ../secrets")),
      '18:9 spec.path: path "../secrets" must lie below its source',
    ],
    [
      "main file out of its folder",
      textOf(x, sparkJob("a", [], ["x"]).replace("jobs/any.py", "/etc/any.py")),
      '13:9 spec.main: main file "/etc/any.py" must lie in the code folder',
    ],
    ["unknown rules", textOf(x, doc("InferenceJob", "i", INFERENCE)), '14:10 spec.rules: unknown rules "offer-rules"'],
    [
      "parameter of two types",
      textOf(
        x,
        sparkJob("a", [], ["x"], "params: { p: { type: int } }"),
        pipeline("p", ["a"], "params: { p: { type: date } }"),
      ),
      '23:13 spec.params.p: parameter "p" is of type date here, but int in job "a"',
    ],
  ])("%s", ([, text, problem]) => {
    expect(problemsOf(text ?? "")).toContain(problem);
  });

  test("a table where a model belongs", () => {
    const job = doc(
      "TrainingJob",
      "t",
      'inputs: { lines: x }\noutputs: { model: y, scorer: m, evaluation: z }\nsplit: { tune: "2020-01-01", test: "2020-02-01", end: "2020-03-01" }',
    );
    expect(problemsOf(textOf(x, y, z, dataset("m", "format: model"), job))).toEqual([
      '35:21 spec.outputs.model: output "model" writes a model, but dataset "y" has format parquet',
    ]);
  });
});
