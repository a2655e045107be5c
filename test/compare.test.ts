/** What differs between two runs, on literal facts. */
import { describe, expect, test } from "vitest";
import { compareRuns, type RunFacts } from "../orchestrator/compare/comparison.ts";
import { compareData, versionsOf } from "../orchestrator/compare/data.ts";
import { comparisonView } from "../orchestrator/report/comparison.ts";
import { noPaint } from "../orchestrator/report/text.ts";
import { planWith, statusOf, stepOf } from "./stand-in/plan.ts";

test("versionsOf() tells data from outside from what was published before and what a step wrote", () => {
  const shape = { format: "csv" as const, columns: [], partitionBy: [] };
  const inputs = {
    raw: { ...shape, dataset: "raw", external: { path: "/raw.csv" } },
    old: { ...shape, dataset: "old" },
  };
  const plan = planWith([
    stepOf("clean", { inputs, writes: ["lines"] }),
    stepOf("score", { reads: { lines: "clean" } }),
  ]);
  const status = statusOf({ clean: { outputs: { lines: "v-3" } } }, { pinned: { raw: "v-1", old: "v-2" } });
  expect(versionsOf(plan, status)).toEqual({
    raw: { version: "v-1", from: "outside" },
    old: { version: "v-2", from: "before" },
    lines: { version: "v-3", from: "clean" },
  });
  expect(versionsOf(plan, undefined)).toEqual({});
});

test("compareData() compares versions, whoever made them", () => {
  const [one, two] = [
    { version: "v-1", from: "clean" },
    { version: "v-1", from: "before", rows: 3 },
  ];
  expect(compareData({ lines: one, mine: one }, { lines: two, extra: two })).toEqual([
    { dataset: "lines", same: true, a: one, b: two },
    { dataset: "mine", same: false, a: one },
    { dataset: "extra", same: false, b: two },
  ]);
});

describe("compareRuns()", () => {
  const facts = (change: Partial<RunFacts> = {}): RunFacts => ({
    name: "shop-1",
    plan: planWith([stepOf("clean"), stepOf("score", { reads: { clean: "clean" } })], { definition: "shop" }),
    status: statusOf({ clean: { phase: "Succeeded" }, score: { phase: "Succeeded" } }, { phase: "Succeeded" }),
    code: { clean: { digest: "1" }, score: { digest: "1" } },
    data: { clean: { version: "v-1", from: "clean" } },
    metrics: { clean: { n: 1 }, score: { n: 2 } },
    ...change,
  });
  const base = facts();
  const cached = statusOf({ clean: { phase: "Cached" }, score: { phase: "Cached" } }, { phase: "Succeeded" });

  test.for<[string, Partial<RunFacts>, boolean]>([
    ["itself", {}, false],
    ["a run that took all from the cache", { name: "shop-2", status: cached }, false],
    ["another parameter", { plan: { ...base.plan, params: { text: "x" } } }, true],
    ["another definition", { plan: { ...base.plan, definition: "other" } }, true],
    ["another target", { plan: { ...base.plan, target: { ...base.plan.target, name: "there" } } }, true],
    ["fewer steps", { plan: { ...base.plan, steps: base.plan.steps.slice(0, 1) } }, true],
    ["other code", { code: { clean: { digest: "2" } } }, true],
    ["other data", { data: { clean: { version: "v-2", from: "clean" } } }, true],
    ["another metric", { metrics: { clean: { n: 1 }, score: { n: 3 } } }, true],
    ["a result that is missing", { metrics: { clean: { n: 1 } } }, true],
    ["another end", { status: statusOf({}, { phase: "Failed" }) }, true],
  ])("with %s", ([, change, differs]) => expect(compareRuns(base, facts(change)).differs).toBe(differs));

  const text = (a: RunFacts, b: RunFacts, all = false) => {
    const sheet = ({ name, plan, status }: RunFacts) => ({
      name,
      plan,
      createdAt: 0,
      ...(status === undefined ? {} : { status: { ...status, endedAt: 5000 } }),
    });
    const comparison = compareRuns(a, b);
    const sides = { a: sheet(a), b: sheet(b) };
    return comparisonView({ ...sides, comparison, all, diff: false, now: 9000, paint: noPaint }).table(false);
  };

  test("is told in full; of long values the part where they begin to differ", () => {
    const steps = (text: string, last: string) => [stepOf("clean", { settings: { text } }), stepOf(last)];
    const a = facts({ plan: { ...base.plan, steps: steps("x".repeat(90), "score") } });
    const b = facts({
      name: "shop-2",
      plan: { ...base.plan, definition: "other", steps: steps(`${"x".repeat(80)}${"y".repeat(80)}`, "extra") },
      code: { clean: { digest: "2" } },
      metrics: {},
      data: {},
    });
    expect(text(a, b)).toMatchInlineSnapshot(`
      "             A                      B
      run          shop-1                 shop-2
      definition   shop                   other
      phase        Succeeded              Succeeded
      target       here                   here
      created      1970-01-01T00:00:00Z   1970-01-01T00:00:00Z
      time         5.0s                   5.0s

      These are runs of different definitions; compared is what they share: 1 step

      Settings
        STEP    SETTING   A                         B
        clean   text      …xxxxxxxxxxxxxxxxxxxxxx   …xxxxxxxxxxxxyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy…

      Code
        Code differs in clean
        The code that shop-1 had for clean is gone from its store: which files differ cannot be told
        The code that shop-2 had for clean is gone from its store: which files differ cannot be told

      Data
        DATASET   FROM    SAME   A     B   ROWS A   ROWS B
        clean     clean   no     v-1   -        -        -

      Steps
        STEP    A                 B
        clean   Succeeded         Succeeded
        score   Succeeded         not in this run
        extra   not in this run   Waiting

      Metrics
        Only A has a result of clean
      "
    `);
  });

  test("equal metrics are shown when asked for, also when nothing differs", () => {
    expect(text(base, base, true)).toMatchInlineSnapshot(`
      "             A                      B
      run          shop-1                 shop-1
      definition   shop                   shop
      phase        Succeeded              Succeeded
      target       here                   here
      created      1970-01-01T00:00:00Z   1970-01-01T00:00:00Z
      time         5.0s                   5.0s

      Nothing differs: 2 steps, 1 dataset and 2 metrics are the same

      Metrics
        STEP    METRIC   A   B   B - A
        clean   n        1   1       0
        score   n        2   2       0
      "
    `);
    expect(text(base, facts({ metrics: { clean: { n: 1 }, score: { n: 2.5 } } }))).toMatchInlineSnapshot(`
      "             A                      B
      run          shop-1                 shop-1
      definition   shop                   shop
      phase        Succeeded              Succeeded
      target       here                   here
      created      1970-01-01T00:00:00Z   1970-01-01T00:00:00Z
      time         5.0s                   5.0s

      Data
        DATASET   FROM    SAME   A     B     ROWS A   ROWS B
        clean     clean   yes    v-1   v-1        -        -

      Steps
        STEP    A           B
        clean   Succeeded   Succeeded
        score   Succeeded   Succeeded

      Metrics
        STEP    METRIC   A     B   B - A
        score   n        2   2.5    +0.5
        1 metric is equal; --all shows it
      "
    `);
  });
});
