import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvalidSpecError, RejectedError } from "../orchestrator/errors.ts";
import { fillRun } from "../orchestrator/plan/fill-run.ts";
import { inOrder } from "../orchestrator/plan/order.ts";
import type { Plan } from "../orchestrator/plan/plan.ts";
import { planOf, type PlanOptions } from "../orchestrator/plan/plan-of.ts";
import { parseSample } from "../orchestrator/plan/sample.ts";
import type { Document } from "../orchestrator/spec/document.ts";
import { dataset, doc, documentsOf, pipeline, SHIPPED, sparkJob, TARGET } from "./specs.ts";

const CHAIN = [
  TARGET,
  dataset("raw", "source: shop\npath: raw.parquet"),
  ...["x", "y", "z"].map((name) => dataset(name)),
  sparkJob("c", ["y"], ["z"]),
  sparkJob("a", ["raw"], ["x"]),
  sparkJob("b", ["x"], ["y"]),
  pipeline("p", ["c", "a", "b"]),
];

function plan(documents: readonly Document[], options: Partial<PlanOptions> = {}): Plan {
  return planOf(documents, { shippedCode: SHIPPED, ...options });
}

function refusal(documents: readonly Document[], options: Partial<PlanOptions>): string | string[] {
  try {
    plan(documents, options);
  } catch (error) {
    if (error instanceof InvalidSpecError)
      return error.problems.map((problem) => `${problem.file}:${problem.line} ${problem.message}`);
    if (error instanceof RejectedError) return error.message;
    throw error;
  }
  return "none";
}

describe("planOf() a pipeline", () => {
  const documents = documentsOf(...CHAIN);

  test("orders steps by the data and says where each input comes from", () => {
    const { steps, definition, publish } = plan(documents);
    expect(definition).toBe("p");
    expect(steps.map((step) => [step.name, step.needs])).toEqual([
      ["a", []],
      ["b", ["a"]],
      ["c", ["b"]],
    ]);
    expect(steps[0]?.inputs["r0"]).toMatchObject({ dataset: "raw", external: { path: "/specs/data/raw.parquet" } });
    expect(steps[1]?.inputs["r0"]).toMatchObject({ dataset: "x", step: "a" });
    expect(publish).toEqual(["x", "y", "z"]);
  });

  test("--only keeps steps; what they read from others is looked for elsewhere", () => {
    const { steps } = plan(documents, { only: ["c", "a"] });
    expect(steps.map((step) => [step.name, step.needs])).toEqual([
      ["a", []],
      ["c", []],
    ]);
    expect(steps[1]?.inputs["r0"]).not.toHaveProperty("step");
    expect(plan(documents, { only: ["c"] }).publish).toEqual(["z"]);
  });

  test("a single job is planned by its name", () => {
    const { steps, definition } = plan(documents, { definition: "b" });
    expect([definition, steps.map((step) => step.name)]).toEqual(["b", ["b"]]);
    expect(steps[0]?.inputs["r0"]).not.toHaveProperty("step");
  });

  test("after joins jobs that share no data", () => {
    const jobs = [sparkJob("a", [], ["x"]), sparkJob("b", [], ["y"])];
    const after = documentsOf(
      TARGET,
      dataset("x"),
      dataset("y"),
      ...jobs,
      pipeline("p", ["{ job: a, after: [b] }", "b"]),
    );
    expect(plan(after).steps.map((step) => [step.name, step.needs])).toEqual([
      ["b", []],
      ["a", ["b"]],
    ]);
  });

  test("limits are in milliseconds", () => {
    expect(plan(documents).steps[0]).toMatchObject({
      retry: { attempts: 2, backoffMs: 5000, memoryFactor: 1.5 },
      deadlines: { queuedMs: 3_600_000, submittedMs: 300_000, pendingMs: 600_000, runningMs: 7_200_000 },
      code: SHIPPED,
      ranks: 0,
    });
  });

  test.for<[string, Partial<PlanOptions>, string | string[]]>([
    ["unknown definition", { definition: "q" }, 'Cannot find a pipeline or job "q"; known: "p", "c", "a", "b"'],
    [
      "a kind that does not have the name",
      { definition: "Pipeline/a" },
      'Cannot find a pipeline or job "Pipeline/a"; did you mean "a"?',
    ],
    ["unknown target", { target: "hree" }, 'Cannot find target "hree"; did you mean "here"?'],
    ["unknown step", { only: ["d"] }, 'Cannot run only "d": no such step; known: "c", "a", "b"'],
    [
      "outputs of a run without a choice of steps",
      { fromRun: "p-1" },
      'Cannot take outputs of run "p-1": no step is left out',
    ],
    ["unknown parameter", { params: { x: "1" } }, ['--param:0 unknown parameter "x"; it has none']],
  ])("%s", ([, options, message]) => expect(refusal(documents, options)).toEqual(message));

  test("needs a target when there are two", () => {
    const two = documentsOf(...CHAIN, TARGET.replace("name: here", "name: there"));
    expect(refusal(two, {})).toBe("Cannot tell where to run: there are several: here, there");
  });
});

describe("planOf() with parameters", () => {
  const job = sparkJob(
    "a",
    [],
    ["x"],
    `params: { day: { type: date, default: "2020-01-01" }, k: { type: int, default: "3" }, own: { default: mine } }
bind: { "settings.k": k, retry.attempts: k }
settings: { day: "on \${params.day}", k: 1, own: "\${params.own}" }`,
  );
  const documents = documentsOf(
    TARGET,
    dataset("x"),
    job,
    pipeline("p", ["a"], 'params: { day: { type: date, default: "2021-01-01" }, k: { type: int, default: "5" } }'),
  );

  test("the pipeline's values stand in for the job's; bound fields get their type", () => {
    const { steps, params } = plan(documents, { params: { k: "4" } });
    expect(params).toEqual({ day: "2021-01-01", k: "4" });
    expect(steps[0]?.settings["settings"]).toEqual({ day: "on 2021-01-01", k: 4, own: "mine" });
    expect(steps[0]?.retry.attempts).toBe(4);
  });

  test("a single job has its own defaults", () => {
    expect(plan(documents, { definition: "a" }).steps[0]?.settings["settings"]).toEqual({
      day: "on 2020-01-01",
      k: 3,
      own: "mine",
    });
  });

  test("a value that makes a field wrong is refused at the field that is bound to it", () => {
    expect(refusal(documents, { params: { k: "99" } })).toEqual([
      "f.yaml:28 retry.attempts: expected at most 10, found 99",
    ]);
  });

  test.for<[string, Record<string, string>, string]>([
    [
      "of the wrong type",
      { day: "soon" },
      '--param:0 parameter "day": expected a day such as 2017-11-15, found "soon"',
    ],
    ["misspelt", { dya: "2020-01-01" }, '--param:0 unknown parameter "dya"; did you mean "day"?'],
    ["a job's own", { own: "yours" }, '--param:0 unknown parameter "own"; known: "day", "k"'],
  ])("%s", ([, params, problem]) => expect(refusal(documents, { params })).toEqual([problem]));

  test("a parameter without value or default is missing", () => {
    const without = documentsOf(
      TARGET,
      dataset("x"),
      sparkJob("a", [], ["x"], "params: { day: { type: date } }\nsettings: { d: '${params.day}' }"),
    );
    expect(refusal(without, {})).toEqual(['f.yaml:27 parameter "day" has no value']);
  });

  test("a value that a pipeline lacks is asked for once", () => {
    const job = sparkJob("a", [], ["x"], "params: { day: { type: date } }\nsettings: { d: '${params.day}' }");
    const without = documentsOf(TARGET, dataset("x"), job, pipeline("p", ["a"], "params: { day: { type: date } }"));
    expect(refusal(without, {})).toEqual(['f.yaml:35 parameter "day" has no value']);
    expect(plan(without, { params: { day: "2020-01-01" } }).steps[0]?.settings["settings"]).toEqual({
      d: "2020-01-01",
    });
  });

  test("a dataset chosen by a parameter is checked again with its value", () => {
    const chosen = documentsOf(
      TARGET,
      dataset("x"),
      dataset("y", "source: shop\npath: y"),
      sparkJob("a", [], ["x"], 'params: { d: { default: "y" } }').replace(
        "inputs: {  }",
        "inputs: { r: '${params.d}' }",
      ),
    );
    expect(plan(chosen).steps[0]?.inputs["r"]?.dataset).toBe("y");
    expect(refusal(chosen, { params: { d: "yy" } })).toEqual(['f.yaml:33 unknown dataset "yy"; did you mean "y"?']);
  });
});

describe("fillRun()", () => {
  const documents = documentsOf(
    TARGET,
    dataset("x"),
    sparkJob("a", [], ["x"], "settings: { a: ['${run.date}', 'in $${x} of ${run.id}'], b: '$${run.id}' }"),
  );

  test("fills what was left open, and only that", () => {
    const open = plan(documents);
    expect(open.steps[0]?.settings["settings"]).toEqual({ a: ["${run.date}", "in ${x} of ${run.id}"], b: "${run.id}" });
    const filled = fillRun(open, "a-7", "2020-02-03");
    expect(filled.steps[0]?.settings["settings"]).toEqual({ a: ["2020-02-03", "in ${x} of a-7"], b: "${run.id}" });
    expect(open.steps[0]?.settings["settings"]).toEqual({ a: ["${run.date}", "in ${x} of ${run.id}"], b: "${run.id}" });
  });
});

describe("planOf() and the target", () => {
  const training = (ranks: number, size: string): string =>
    doc(
      "TrainingJob",
      "t",
      `size: ${size}\ninputs: { lines: raw }\noutputs: { model: m, scorer: s, evaluation: e }\nsplit: { tune: "2020-01-01", test: "2020-02-01", end: "2020-03-01" }\nranks: ${ranks}`,
    );
  const rest = [
    dataset("raw", "source: shop\npath: raw"),
    dataset("m", "format: model"),
    dataset("s", "format: model"),
    dataset("e"),
  ];

  test("ranks that cannot run at once are refused before anything starts", () => {
    expect(refusal(documentsOf(TARGET, ...rest, training(3, "small")), {})).toEqual([
      'f.yaml:50 3 ranks must run at once, but size "small" of target "here" has 2 slots',
    ]);
    expect(plan(documentsOf(TARGET, ...rest, training(4, "big"))).steps[0]?.ranks).toBe(4);
  });

  test("executors that may leave are refused for ranks", () => {
    const target = TARGET.replace("sizes:", "conf: { spark.dynamicAllocation.enabled: 'true' }\n  sizes:");
    expect(refusal(documentsOf(target, ...rest, training(2, "small")), {})).toEqual([
      'f.yaml:47 spark.dynamicAllocation.enabled is on for size "small" of target "here", but a job with ranks cannot use it: executors may leave while ranks wait for each other',
    ]);
  });

  test("a size or source that only another target has is refused", () => {
    const other = TARGET.replace("name: here", "name: there").replace("small:", "tiny:").replace("shop:", "store:");
    const documents = documentsOf(TARGET, other, ...rest, training(2, "small"));
    expect(refusal(documents, { target: "there" })).toEqual([
      'f.yaml:28 target "there" has no source "shop"; known: "store"',
      'f.yaml:57 target "there" has no size "small"; known: "tiny", "big"',
    ]);
  });
});

describe("inOrder()", () => {
  const graph = fc.array(fc.array(fc.nat(30), { maxLength: 4 }), { maxLength: 30 }).map(
    // Only earlier names are needed, under names that hide that order.
    (rows) =>
      new Map(rows.map((needs, index) => [name(index), new Set(needs.filter((need) => need < index).map(name))])),
  );
  function name(index: number): string {
    return `j${(index * 17) % 31}`;
  }

  test("puts every name after what it needs, each once, and the same way every time", () => {
    fc.assert(
      fc.property(graph, (needs) => {
        const shuffled = new Map([...needs].toSorted(([a], [b]) => (a < b ? -1 : 1)));
        const order = inOrder(shuffled);
        expect(order.toSorted()).toEqual([...needs.keys()].toSorted());
        for (const [job, of] of needs)
          for (const need of of) expect(order.indexOf(need)).toBeLessThan(order.indexOf(job));
        expect(inOrder(new Map(shuffled))).toEqual(order);
      }),
    );
  });

  test("refuses a circle", () => {
    expect(() =>
      inOrder(
        new Map([
          ["a", new Set(["b"])],
          ["b", new Set(["a"])],
        ]),
      ),
    ).toThrow("Cannot order a, b: they wait for each other");
  });
});

test("parseSample() takes shares", () => {
  expect(parseSample("5%")).toEqual({ fraction: 0.05, seed: 7 });
  expect(parseSample("0.25")).toEqual({ fraction: 0.25, seed: 7 });
  for (const wrong of ["0", "100%", "1", "-5%", "many", "5 %", ""])
    expect(() => parseSample(wrong), wrong).toThrow(`Cannot take the sample "${wrong}"`);
});
