import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sparkAppOf, type AppOptions } from "../orchestrator/plan/app.ts";
import { cacheKeyOf, explainKey, type KeyContext, keyDocument } from "../orchestrator/plan/digest.ts";
import { fillRun } from "../orchestrator/plan/fill-run.ts";
import type { Plan, Step } from "../orchestrator/plan/plan.ts";
import { planOf } from "../orchestrator/plan/plan-of.ts";
import { dataset, documentsOf, SHIPPED, sparkJob, TARGET, doc } from "./specs.ts";

const CONTEXT: KeyContext = {
  image: "sha256:1",
  code: [{ path: "jobs/any.py", sha256: "1" }],
  inputVersions: { r0: "v-1" },
  sparkVersion: "4.1.4",
  sample: null,
};

function planned(more: string, target = TARGET, shape = "description: d"): Plan {
  const documents = documentsOf(
    target,
    dataset("raw", "source: shop\npath: raw"),
    dataset("x", shape),
    sparkJob("a", ["raw"], ["x"], more),
  );
  return planOf(documents, { shippedCode: SHIPPED });
}

function stepOf(plan: Plan): Step {
  const [step] = plan.steps;
  if (step === undefined) throw new Error("no step");
  return step;
}

const keyOf = (more: string, target?: string, shape?: string): string =>
  cacheKeyOf(stepOf(planned(more, target, shape)), CONTEXT);

describe("cacheKeyOf()", () => {
  const plain = keyOf("settings: { a: 1, b: [x, y], c: { d: e, f: g } }");

  test.for([
    ["comments", "# why\nsettings: { a: 1, b: [x, y], c: { d: e, f: g } } # because"],
    ["the order of keys", "settings: { c: { f: g, d: e }, b: [x, y], a: 1 }"],
    ["how it is written", 'settings:\n  "a": 1\n  b:\n    - x\n    - "y"\n  c:\n    d: e\n    f: "g"'],
    ["sizes", "size: big\nsettings: { a: 1, b: [x, y], c: { d: e, f: g } }"],
    [
      "retry and deadlines",
      "retry: { attempts: 5 }\ndeadlines: { running: 9h }\nsettings: { a: 1, b: [x, y], c: { d: e, f: g } }",
    ],
    ["descriptions", "description: better words\nsettings: { a: 1, b: [x, y], c: { d: e, f: g } }"],
    [
      "parameters in place of values",
      'params: { p: { default: e } }\nsettings: { a: 1, b: [x, y], c: { d: "${params.p}", f: g } }',
    ],
  ])("does not change with %s", ([, more]) => expect(keyOf(more ?? "")).toBe(plain));

  test("does not change with the memory, labels and Spark settings of the target", () => {
    const other = TARGET.replace("memory: 2g", "memory: 3g").replace(
      "sizes:",
      "labels: { team: x }\n  conf: { spark.sql.shuffle.partitions: '9' }\n  sizes:",
    );
    expect(keyOf("settings: { a: 1, b: [x, y], c: { d: e, f: g } }", other)).toBe(plain);
  });

  test.for([
    ["settings", "settings: { a: 2, b: [x, y], c: { d: e, f: g } }"],
    ["the order of a list", "settings: { a: 1, b: [y, x], c: { d: e, f: g } }"],
    ["a number that became text", "settings: { a: '1', b: [x, y], c: { d: e, f: g } }"],
  ])("changes with %s", ([, more]) => expect(keyOf(more ?? "")).not.toBe(plain));

  test("changes with the columns an output must have", () => {
    expect(
      keyOf("settings: { a: 1, b: [x, y], c: { d: e, f: g } }", TARGET, "columns: [{ name: n, type: int }]"),
    ).not.toBe(plain);
  });

  test("changes with the checks of an output, not with those of an input", () => {
    const checked = (from: string, to: string): string => {
      const documents = documentsOf(TARGET, dataset("in", from), dataset("x", to), sparkJob("a", ["in"], ["x"]));
      return cacheKeyOf(stepOf(planOf(documents, { shippedCode: SHIPPED, definition: "a" })), CONTEXT);
    };
    const [none, one, two] = [
      "description: d",
      ...[1, 2].map((min) => `checks: [{ rule: rows, min: ${min} }]`),
    ] as const;
    const keys = [none, one, two].map((to) => checked(none, to ?? ""));
    expect(new Set(keys).size).toBe(3);
    expect(checked(one ?? "", none)).toBe(keys[0]);
  });

  test.for<[string, Partial<KeyContext>]>([
    ["another image", { image: "sha256:2" }],
    ["an edited module", { code: [{ path: "jobs/any.py", sha256: "2" }] }],
    ["replaced input", { inputVersions: { r0: "v-2" } }],
    ["another Spark", { sparkVersion: "4.0.1" }],
    ["a sample", { sample: { fraction: 0.05, seed: 7 } }],
  ])("changes with %s", ([, changed]) => {
    const step = stepOf(planned(""));
    expect(cacheKeyOf(step, { ...CONTEXT, ...changed })).not.toBe(cacheKeyOf(step, CONTEXT));
  });

  test("is the same for settings in any order", () => {
    const step = stepOf(planned(""));
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (settings) => {
        const of = (entries: [string, unknown][]): string =>
          cacheKeyOf(
            { ...step, settings: { settings: JSON.parse(JSON.stringify(Object.fromEntries(entries))) } },
            CONTEXT,
          );
        expect(of(Object.entries(settings).toReversed())).toBe(of(Object.entries(settings)));
      }),
    );
  });

  test("holds the day of a run, which changes results, but not its name", () => {
    const open = planned("settings: { a: 'by ${run.id} on ${run.date}' }");
    const key = (run: string, date: string): string => cacheKeyOf(stepOf(fillRun(open, run, date)), CONTEXT);
    expect(key("a-2", "2020-01-01")).toBe(key("a-1", "2020-01-01"));
    expect(key("a-2", "2020-01-02")).not.toBe(key("a-1", "2020-01-01"));
  });
});

describe("explainKey()", () => {
  const step = stepOf(planned("settings: { windows: [28], k: 3 }"));
  const before = keyDocument(step, CONTEXT);

  test("says nothing when nothing differs", () => expect(explainKey(before, keyDocument(step, CONTEXT))).toEqual([]));

  test("names what differs", () => {
    const changed = stepOf(planned("settings: { windows: [91], k: 3, new: 1 }"));
    const now = keyDocument(changed, {
      image: "sha256:2",
      code: [
        { path: "jobs/any.py", sha256: "2" },
        { path: "sparkjobs/txt.py", sha256: "1" },
      ],
      inputVersions: { r0: "v-2" },
      sparkVersion: "4.1.5",
      sample: { fraction: 0.05, seed: 7 },
    });
    expect(explainKey(before, now)).toEqual([
      "settings.settings.new added",
      "settings.settings.windows changed",
      "input raw replaced",
      "module jobs/any.py changed",
      "module sparkjobs/txt.py added",
      "image changed",
      "Spark changed from 4.1.4 to 4.1.5",
      "sample changed",
    ]);
  });
});

describe("sparkAppOf()", () => {
  const OPTIONS: AppOptions = {
    run: "a-1",
    attempt: 1,
    memoryFactor: 1,
    prefix: "/r",
    main: "/c/jobs/any.py",
    archive: "/c/code.zip",
    codeDigest: "1",
  };
  const appOf = (plan: Plan, more: Partial<AppOptions> = {}) => sparkAppOf(plan, stepOf(plan), { ...OPTIONS, ...more });

  test("merges settings: product, target, size; what results depend on stays", () => {
    const target = TARGET.replace(
      "sizes:",
      "conf: { spark.sql.shuffle.partitions: '4', spark.sql.ansi.enabled: 'false', spark.sql.session.timeZone: Asia/Tokyo, spark.speculation: 'true' }\n  sizes:",
    ).replace("executors: 0 }", "executors: 0, conf: { spark.sql.shuffle.partitions: '8' } }");
    expect(appOf(planned("", target)).conf).toEqual({
      "spark.speculation": "false",
      "spark.sql.ansi.enabled": "false",
      "spark.sql.legacy.parquet.nanosAsLong": "true",
      "spark.sql.session.timeZone": "UTC",
      "spark.sql.shuffle.partitions": "8",
      "spark.ui.showConsoleProgress": "false",
    });
  });

  test("gives more memory after an OOM kill", () => {
    expect(appOf(planned(""), { attempt: 2, memoryFactor: 1.5 }).size.driver).toEqual({ cores: 2, memory: "3g" });
    expect(appOf(planned(""), { attempt: 2, memoryFactor: 1.1 }).size.driver.memory).toBe("2253m");
  });

  test("is the same for the same arguments, and another for another attempt, code or setting", () => {
    const plan = planned("settings: { a: 1 }");
    expect(appOf(plan)).toEqual(appOf(planned("settings: { a: 1 }")));
    const digests = [
      appOf(plan),
      appOf(plan, { attempt: 2 }),
      appOf(plan, { codeDigest: "2" }),
      appOf(planned("settings: { a: 2 }")),
    ];
    expect(new Set(digests.map((app) => app.digest)).size).toBe(4);
  });

  test.for([
    ["kubeflow", 2, 2, 8, "8"],
    ["kubeflow", 4, 2, 8, "4"],
    ["kubeflow", 3, 2, 4, "2"],
    ["kubeflow", 1, 4, 4, "4"],
  ] as const)(
    "%s: %i ranks on %i executors of %i cores get %s cores each",
    ([backend, ranks, executors, cores, cpus]) => {
      const target = `${TARGET.replace("storage:", `backend: ${backend}\n  image: i@sha256:0\n  storage:`)}    wide: { executors: ${executors}, executor: { cores: ${cores} } }\n`;
      const job = doc(
        "TrainingJob",
        "t",
        `size: wide\ninputs: { lines: raw }\noutputs: { model: m, scorer: s, evaluation: e }\nsplit: { tune: "2020-01-01", test: "2020-02-01", end: "2020-03-01" }\nranks: ${ranks}`,
      );
      const documents = documentsOf(
        target,
        dataset("raw", "source: shop\npath: raw"),
        dataset("m", "format: model"),
        dataset("s", "format: model"),
        dataset("e"),
        job,
      );
      const { conf } = appOf(planOf(documents, { shippedCode: SHIPPED }));
      expect(conf).toMatchObject({
        "spark.task.cpus": cpus,
        "spark.dynamicAllocation.enabled": "false",
        "spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures": "1",
        "spark.scheduler.minRegisteredResourcesRatio": "1.0",
      });
      expect(executors * Math.floor(cores / Number(conf["spark.task.cpus"]))).toBeGreaterThanOrEqual(ranks);
    },
  );
});
