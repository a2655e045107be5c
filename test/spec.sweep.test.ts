/** A sweep as it is written: its candidates, and what is wrong with it and where. */
import { describe, expect, test } from "vitest";
import { canonical } from "../orchestrator/json.ts";
import { Sweep } from "../orchestrator/kinds/sweep.ts";
import { candidatesOf, rungSizes } from "../orchestrator/spec/sweep.ts";
import { dataset, problemsOf, textOf, training, TRAINING_DATASETS } from "./specs.ts";

const FOUR = "{ values: { dim: [32, 64], learningRate: [0.001, 0.003] }, rungs: [1, 4] }";

describe("candidatesOf()", () => {
  const sweep = (values: object, trials?: number) =>
    Sweep.parse({ values, rungs: [1], ...(trials === undefined ? {} : { trials }) });

  test("is every combination, whatever the order of the paths", () => {
    const grid = candidatesOf(sweep({ heads: [2, 4], dim: [32, 64] }), 7);
    expect(grid).toEqual([
      { dim: 32, heads: 2 },
      { dim: 32, heads: 4 },
      { dim: 64, heads: 2 },
      { dim: 64, heads: 4 },
    ]);
    expect(candidatesOf(sweep({ dim: [32, 64], heads: [2, 4] }), 7)).toEqual(grid);
  });

  test("trials draws without repetition, the same for the same seed", () => {
    const wide = { dim: [8, 16, 32, 64], layers: [1, 2, 3], batch: [16, 32] };
    const drawn = candidatesOf(sweep(wide, 6), 7);
    expect(new Set(drawn.map((one) => canonical(one))).size).toBe(6);
    expect(candidatesOf(sweep(wide, 6), 7)).toEqual(drawn);
    expect(candidatesOf(sweep(wide, 6), 8)).not.toEqual(drawn);
    const more = candidatesOf(sweep(wide, 7), 7);
    expect(drawn.every((one) => more.some((other) => canonical(other) === canonical(one)))).toBe(true);
  });

  test.for([
    [4, [1, 2, 4], 2, [4, 2, 1]],
    [9, [1, 3, 9], 3, [9, 3, 1]],
    [5, [1, 2], 2, [5, 2]],
    [2, [1, 2], 4, [2, 1]],
    [64, [1], 2, [64]],
  ] as const)("rungSizes() of %i on %j by %i", ([candidates, rungs, reduction, sizes]) => {
    expect(rungSizes(candidates, Sweep.parse({ values: { dim: [1] }, rungs, reduction }))).toEqual(sizes);
  });
});

describe("a wrong sweep is told with its place", () => {
  // Column and what follows: the line is that of the sweep.
  const found = (sweep: string, ...others: string[]) =>
    problemsOf(textOf(...TRAINING_DATASETS, training(sweep), ...others)).map((line) => line.replace(/^\d+:/, ""));

  test.for<[string, string, string[]]>([
    ["all well", FOUR, []],
    [
      "unknown hyper-parameter",
      "{ values: { dims: [1, 2] }, rungs: [1] }",
      ['22 spec.sweep.values.dims: unknown hyper-parameter "dims"; did you mean "dim"?'],
    ],
    [
      "no path",
      '{ values: { "dim..x": [1, 2] }, rungs: [1] }',
      [
        '22 spec.sweep.values["dim..x"]: "dim..x" is no path of a hyper-parameter; write one such as dim or halfLives[0]',
      ],
    ],
    [
      "an entry that the list has not",
      '{ values: { "halfLives[7]": [1, 2] }, rungs: [1] }',
      ['22 spec.sweep.values["halfLives[7]"]: "halfLives[7]" is not in the list that hyperparameters.halfLives is'],
    ],
    [
      "empty grid",
      "{ values: {}, rungs: [1] }",
      ["20 spec.sweep.values: expected at least one hyper-parameter with its values"],
    ],
    [
      "no value",
      "{ values: { dim: [] }, rungs: [1] }",
      ["27 spec.sweep.values.dim: expected at least 1 entry, found 0"],
    ],
    [
      "one candidate",
      "{ values: { dim: [8] }, rungs: [1] }",
      ["20 spec.sweep.values: one candidate only: there is nothing to choose from"],
    ],
    [
      "a value twice",
      "{ values: { dim: [8, 16, 8] }, rungs: [1] }",
      ["35 spec.sweep.values.dim[2]: 8 is listed twice"],
    ],
    [
      "a value of the wrong type",
      "{ values: { dim: [8, wide] }, rungs: [1] }",
      ['31 spec.sweep.values.dim[1]: expected a number, found text "wide"'],
    ],
    [
      "values that do not go together",
      "{ values: { dim: [8, 16], heads: [4, 3] }, rungs: [1] }",
      ["47 spec.sweep.values.heads[1]: dim must be a multiple of heads (with dim 8, heads 3)"],
    ],
    [
      "the budget among the values",
      "{ values: { epochs: [1, 2] }, rungs: [1] }",
      ['22 spec.sweep.values.epochs: "epochs" is the budget; its values are those of rungs'],
    ],
    [
      "unknown budget",
      "{ values: { dim: [8, 16] }, rungs: [1], budget: epoch }",
      ['58 spec.sweep.budget: unknown hyper-parameter "epoch"; did you mean "epochs"?'],
    ],
    [
      "a rung the budget cannot have",
      "{ values: { dim: [8, 16] }, rungs: [0.5] }",
      ["46 spec.sweep.rungs[0]: expected a whole number, found 0.5"],
    ],
    [
      "rungs that do not rise",
      "{ values: { dim: [8, 16] }, rungs: [2, 2] }",
      ["49 spec.sweep.rungs[1]: expected more than 2, which the rung before has, found 2"],
    ],
    [
      "a rung of one alone",
      "{ values: { dim: [8, 16] }, rungs: [1, 2, 4] }",
      ["52 spec.sweep.rungs[2]: rung 3 decides nothing: one candidate of 2 is left on rung 2"],
    ],
    [
      "too many candidates",
      `{ values: { dim: [${Array.from({ length: 65 }, (_, index) => 4 * (index + 1)).join(", ")}] }, rungs: [1] }`,
      ["20 spec.sweep.values: 65 candidates; a sweep has at most 64"],
    ],
    [
      "too many combinations to draw from",
      `{ trials: 4, rungs: [1], values: { ${["dim", "batch", "window", "layers"].map((path) => `${path}: [${Array.from({ length: 11 }, (_, index) => 4 * (index + 1)).join(", ")}]`).join(", ")} } }`,
      ["43 spec.sweep.values: 14641 combinations; at most 10000 can be drawn from"],
    ],
    [
      "the run in a value",
      '{ values: { dim: ["${run.date}", 8] }, rungs: [1] }',
      [
        "28 spec.sweep.values.dim[0]: ${run.date} is known only when the run starts; it may stand in the job's own settings, not in sweep",
      ],
    ],
  ])("%s", ([, sweep, problems]) => {
    expect(found(sweep).map((line) => line.split(". ")[0])).toEqual(problems);
  });

  test("a name of a step that is taken", () => {
    expect(found(FOUR, dataset("train-sweep-winner"))).toEqual([
      '3 spec.sweep: "train-sweep-winner" has the name of a step of this sweep (train-sweep-…)',
    ]);
  });
});
