import { describe, expect, test } from "vitest";
import { paramDifferences, settingDifferences } from "../orchestrator/compare/settings.ts";
import type { Plan, Step } from "../orchestrator/plan/plan.ts";
import { planWith, stepOf } from "./stand-in/plan.ts";

describe("settingDifferences()", () => {
  const paths = (a: Plan, b: Plan) =>
    settingDifferences(a, b).map(
      ({ step, path, a: old, b: next }) =>
        `${step ?? "run"} ${path}: ${JSON.stringify(old) ?? "-"} ${JSON.stringify(next) ?? "-"}`,
    );
  const plan = (change: Partial<Step>, more: Partial<Plan> = {}) =>
    planWith([stepOf("clean"), stepOf("score", { reads: { clean: "clean" }, ...change })], more);
  const base = plan({ settings: { windows: { recent: 28 }, lags: [1, 2] } });
  const target = (change: object) => ({ target: { name: "here", spec: { ...base.target.spec, ...change } } });

  test.for<[string, Plan, string[]]>([
    ["nothing", plan({ settings: { lags: [1, 2], windows: { recent: 28 } } }), []],
    ["a setting", plan({ settings: { windows: { recent: 91 }, lags: [1, 2] } }), ["score windows.recent: 28 91"]],
    [
      "a list, and one that only B has",
      plan({ settings: { windows: { recent: 28 }, lags: [1], k: 3 } }),
      ["score k: - 3", "score lags: [1,2] [1]"],
    ],
    [
      "what the platform is told",
      plan({ ...base.steps[1], retry: { attempts: 3, backoffMs: 20, memoryFactor: 1.5 } }),
      ["score retry.attempts: 2 3"],
    ],
    ["its main file", plan({ ...base.steps[1], main: "other.py" }), ['score main: "job.py" "other.py"']],
    ["the folder of its code", plan({ ...base.steps[1], code: "/elsewhere" }), []],
    [
      "the target: its memory, Spark settings and image",
      plan(
        { ...base.steps[1] },
        target({
          image: "i@sha256:1",
          conf: { "spark.sql.ansi.enabled": "false" },
          sizes: { small: { ...base.target.spec.sizes["small"], executors: 4 } },
        }),
      ),
      [
        'run target.conf["spark.sql.ansi.enabled"]: - "false"',
        'run target.image: - "i@sha256:1"',
        "clean size.executors: 0 4",
        "score size.executors: 0 4",
      ],
    ],
    [
      "a declared column",
      plan({
        ...base.steps[1],
        outputs: {
          score: { dataset: "score", format: "model", columns: [{ name: "n", type: "int" }], partitionBy: [] },
        },
      }),
      ['run datasets.score.columns: [] [{"name":"n","type":"int"}]'],
    ],
    ["a sample", { ...base, sample: { fraction: 0.05, seed: 7 } }, ['run sample: null {"fraction":0.05,"seed":7}']],
    ["a step that only A has", { ...base, steps: base.steps.slice(0, 1) }, []],
  ])("%s", ([, other, expected]) => expect(paths(base, other)).toEqual(expected));

  test("the run's name is no difference, the day in a text is", () => {
    const named = (run: string, day: string) =>
      plan({
        settings: { out: `${run}/x`, day: `on ${day}` },
        runScoped: { out: [{ reference: "run.id" }, "/x"], day: [`on ${day}`] },
      });
    expect(paths(named("shop-1", "2017-01-01"), named("shop-2", "2017-01-02"))).toEqual([
      'score day: "on 2017-01-01" "on 2017-01-02"',
    ]);
  });

  test("paramDifferences() gives both values, and those that only one has", () => {
    const of = (params: Record<string, string>) => planWith([], { params });
    expect(paramDifferences(of({ a: "1", b: "2" }), of({ a: "1", b: "3", c: "" }))).toEqual([
      { path: "b", a: "2", b: "3" },
      { path: "c", b: "" },
    ]);
  });
});
