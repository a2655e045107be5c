/** The steps that a sweep becomes. */
import { describe, expect, test } from "vitest";
import { applicationName } from "../orchestrator/names.ts";
import { sparkAppOf } from "../orchestrator/plan/app.ts";
import { cacheKeyOf } from "../orchestrator/plan/digest.ts";
import { planOf } from "../orchestrator/plan/plan-of.ts";
import type { Plan, Step } from "../orchestrator/plan/plan.ts";
import { describeRun } from "../orchestrator/report/describe.ts";
import { dataset, documentsOf, pipeline, SHIPPED, sparkJob, TARGET, training, TRAINING_DATASETS } from "./specs.ts";

function planned(sweep: string, more = "", name = "train"): Plan {
  const documents = documentsOf(
    TARGET,
    ...TRAINING_DATASETS,
    sparkJob("make", [], ["lines"]),
    training(sweep, more, name),
    sparkJob("use", ["scorer"], ["used"]),
    dataset("used"),
    pipeline("p", ["make", name, "use"]),
  );
  return planOf(documents, { shippedCode: SHIPPED });
}

function stepNamed({ steps }: Plan, name: string): Step {
  const step = steps.find((one) => one.name === name);
  if (step === undefined) throw new Error(`no step ${name}`);
  return step;
}

function keyOf(step: Step): string {
  const inputVersions = Object.fromEntries(Object.keys(step.inputs).map((role) => [role, "v"]));
  return cacheKeyOf(step, { image: "i", code: [], inputVersions, sparkVersion: "4.1.1", sample: null });
}

const FOUR = "{ values: { dim: [32, 64], learningRate: [0.001, 0.003] }, rungs: [1, 4] }";

describe("a sweep becomes steps", () => {
  const plan = planned(FOUR, "hyperparameters: { epochs: 9 }");

  test("whose graph does not depend on data", () => {
    expect(plan.steps.map(({ name, needs }) => [name, needs])).toEqual([
      ["make", []],
      ["train-sweep-1-1", ["make"]],
      ["train-sweep-1-2", ["make"]],
      ["train-sweep-1-3", ["make"]],
      ["train-sweep-1-4", ["make"]],
      ...["train-sweep-2-1", "train-sweep-2-2"].map((name) => [
        name,
        ["make", "train-sweep-1-1", "train-sweep-1-2", "train-sweep-1-3", "train-sweep-1-4"],
      ]),
      [
        "train-sweep-leaderboard",
        [1, 2, 3, 4].map((n) => `train-sweep-1-${n}`).concat(["train-sweep-2-1", "train-sweep-2-2"]),
      ],
      ["train", ["make", "train-sweep-leaderboard"]],
      ["use", ["train"]],
    ]);
    expect(plan.publish).toEqual(["lines", "model", "scorer", "evaluation", "used"]);
  });

  test("of which a candidate has its own hyper-parameters and the rung's budget", () => {
    const first = stepNamed(plan, "train-sweep-1-2");
    expect(first).toMatchObject({ kind: "TrainingJob", main: "jobs/sweep.py", ranks: 2, sweepOf: "train" });
    expect(first.settings).toMatchObject({
      hyperparameters: { dim: 32, learningRate: 0.003, epochs: 1, layers: 2 },
      sweep: { rung: 1, budget: 1, parameters: { dim: 32, learningRate: 0.003 } },
    });
    const second = stepNamed(plan, "train-sweep-2-2");
    expect(second.settings).toMatchObject({ hyperparameters: { epochs: 4 }, sweep: { rung: 2, budget: 4, place: 2 } });
    expect(second.inputs["row-2"]).toMatchObject({ step: "train-sweep-1-2", dataset: first.outputs["row"]?.dataset });
    expect(Object.keys(second.inputs)).toEqual(["lines", "row-1", "row-2", "row-3", "row-4"]);
  });

  test("the last of which takes the winner and is otherwise what it was", () => {
    const [train, plain] = [
      stepNamed(plan, "train"),
      stepNamed(planned("", "hyperparameters: { epochs: 9 }"), "train"),
    ];
    const { winner, ...inputs } = train.inputs;
    expect(winner).toMatchObject({ step: "train-sweep-leaderboard", dataset: "train-sweep-winner" });
    expect({ ...train, inputs, needs: ["make"] }).toEqual(plain);
    expect(stepNamed(plan, "train-sweep-leaderboard")).toMatchObject({
      ranks: 0,
      main: "jobs/leaderboard.py",
      code: SHIPPED,
      settings: { sweep: { parameters: ["dim", "learningRate"], budget: "epochs", rungs: [1, 4] } },
    });
  });

  test("a further value leaves the candidates of before in the cache", () => {
    const first = ({ steps }: Plan) => steps.filter(({ name }) => name.startsWith("train-sweep-1-")).map(keyOf);
    const more = first(planned(FOUR.replace("[32, 64]", "[16, 32, 64]"), "hyperparameters: { epochs: 9 }"));
    expect(more).toHaveLength(6);
    expect(more).toEqual(expect.arrayContaining(first(plan)));
    expect(first(planned(FOUR.replace("rungs: [1, 4]", "rungs: [2, 4]")))).not.toEqual(
      expect.arrayContaining(first(plan)),
    );
  });

  test("--only with the job's name keeps its sweep", () => {
    const jobs = [sparkJob("make", [], ["lines"]), training(FOUR)];
    const documents = documentsOf(TARGET, ...TRAINING_DATASETS, ...jobs, pipeline("q", ["make", "train"]));
    const { steps } = planOf(documents, { shippedCode: SHIPPED, definition: "q", only: ["train"] });
    expect(steps.map((step) => step.name)).toEqual(
      plan.steps.map((step) => step.name).filter((name) => name.startsWith("train")),
    );
    expect(steps[0]?.inputs["lines"]).not.toHaveProperty("step");
    expect(() => planOf(documents, { shippedCode: SHIPPED, definition: "q", only: ["train-sweep-1-1"] })).toThrow(
      'Cannot run only "train-sweep-1-1": no such step',
    );
  });

  test("names fit Kubernetes, even of the longest job and the largest sweep", () => {
    const name = `a${"b".repeat(39)}`;
    const values = Array.from({ length: 64 }, (_, index) => 4 * (index + 1)).join(", ");
    const long = planned(
      `{ values: { dim: [${values}] }, rungs: [1, 2, 3, 4, 5, 6, 7] }`,
      "hyperparameters: { heads: 1 }",
      name,
    );
    expect(long.steps).toHaveLength(2 + 64 + 32 + 16 + 8 + 4 + 2 + 1 + 2);
    for (const step of long.steps) {
      // A label's value, and a name with room for what Spark appends.
      expect(step.name).toMatch(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/);
      expect(applicationName("p-1", step.name, 10).length).toBeLessThanOrEqual(51);
    }
    const apps = long.steps.map((step) =>
      sparkAppOf(long, step, {
        run: "p-1",
        attempt: 1,
        memoryFactor: 1,
        prefix: "/x",
        main: "/m.py",
        archive: "/c.zip",
        codeDigest: "d",
      }),
    );
    expect(new Set(apps.map((app) => app.name)).size).toBe(apps.length);
  });
});

test("describe tells how long the whole sweep took", () => {
  const plan = planned(FOUR);
  const steps = Object.fromEntries(
    plan.steps.map(({ name }, at) => [
      name,
      { phase: "Succeeded" as const, attempts: [], startedAt: at * 10_000, endedAt: at * 10_000 + 9000 },
    ]),
  );
  const status = {
    phase: "Succeeded" as const,
    startedAt: 0,
    endedAt: 100_000,
    revision: 1,
    pinned: {},
    code: {},
    steps,
  };
  const around = { now: 200_000, paint: (_tone: unknown, text: string) => text, results: [], logs: {}, suffix: "" };
  const text = describeRun({ name: "p-1", createdAt: 0, plan, status }, around);
  expect(text).toContain("Sweep of train  7 of 7 steps, 1m09s\n");
  const plain = describeRun({ name: "p-1", createdAt: 0, plan: planned(""), status }, around);
  expect(plain).not.toContain("Sweep");
});
