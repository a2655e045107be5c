/** Checks that a dataset declares: which are taken, what is said of the others, and where they go. */
import { describe, expect, test } from "vitest";
import { planOf } from "../orchestrator/plan/plan-of.ts";
import { paramsOf } from "../orchestrator/storage/params.ts";
import { dataset, documentsOf, problemsOf, SHIPPED, sparkJob, TARGET, textOf } from "./specs.ts";

const COLUMNS =
  "columns: [{ name: entity, type: string }, { name: age, type: int }, { name: spend, type: double }, { name: day, type: date }]";
const withCheck = (check: string): string => dataset("shop", `${COLUMNS}\nchecks:\n  - ${check}`);

const GOOD = [
  "{ rule: nulls, column: entity }",
  "{ rule: nulls, column: entity, atMost: 0.1, onFailure: warn }",
  "{ rule: range, column: age, min: 0 }",
  "{ rule: range, column: spend, min: -0.5, max: 0.5 }",
  "{ rule: unique, columns: [entity, day] }",
  "{ rule: rows, min: 1 }",
  "{ rule: rows, min: 1, max: 1 }",
  "{ rule: rowChange, atMost: 1.5 }",
  "{ rule: drift, column: day, atMost: 0.1 }",
];

describe("checks of a dataset", () => {
  test.for(GOOD)("%s", (check) => {
    expect(problemsOf(withCheck(check))).toEqual([]);
  });

  test.for([
    ["{ rule: null, column: entity }", '8:15 spec.checks[0].rule: expected one of "nulls", "range", "unique"'],
    ["{ column: entity }", '8:7 spec.checks[0].rule: missing field "rule"'],
    ["{ rule: nulls }", '8:7 spec.checks[0].column: missing field "column"'],
    ["{ rule: nulls, column: entity, atMost: 1.1 }", "8:46 spec.checks[0].atMost: expected at most 1, found 1.1"],
    ["{ rule: nulls, column: entity, min: 1 }", "8:43 spec.checks[0].min: rule nulls takes column, atMost, not min"],
    ["{ rule: nulls, colum: entity }", '8:22 spec.checks[0].colum: unknown field "colum"; did you mean "column"?'],
    ["{ rule: range, column: age }", "8:7 spec.checks[0]: rule range needs min or max"],
    ["{ rule: range, column: age, min: 2, max: 1 }", "8:48 spec.checks[0].max: expected at least min, which is 2"],
    ["{ rule: unique, columns: [] }", "8:32 spec.checks[0].columns: expected at least 1 entry, found 0"],
    ["{ rule: unique, column: entity }", '8:7 spec.checks[0].columns: missing field "columns"'],
    ["{ rule: rows }", "8:7 spec.checks[0]: rule rows needs min or max"],
    ["{ rule: rowChange }", '8:7 spec.checks[0].atMost: missing field "atMost"'],
    ["{ rule: rowChange, atMost: -1 }", "8:34 spec.checks[0].atMost: expected at least 0, found -1"],
    ["{ rule: drift, column: day, atMost: 2 }", "8:43 spec.checks[0].atMost: expected at most 1, found 2"],
    ["{ rule: rows, min: 1, onFailure: stop }", '8:40 spec.checks[0].onFailure: expected one of "warn", "fail"'],
    ["{ rule: nulls, column: entty }", '8:30 spec.checks[0].column: no column "entty"; did you mean "entity"?'],
    ["{ rule: unique, columns: [day, dya] }", '8:38 spec.checks[0].columns[1]: no column "dya"; did you mean "day"?'],
    ["{ rule: range, column: day, min: 1 }", '8:30 spec.checks[0].column: column "day" is date; range is for numbers'],
  ] as const)("%s is refused", ([check, problem]) => {
    expect(problemsOf(withCheck(check)).join("\n")).toContain(problem);
  });

  test.for(["format: model", "format: csv", "source: shop\npath: raw"])("not of a dataset with %s", (shape) => {
    const spec = dataset("shop", `${shape}\nchecks: [{ rule: rows, min: 1 }]`);
    expect(problemsOf(textOf(TARGET, spec))).toEqual([
      expect.stringMatching(/^\d+:\d+ spec\.checks: checks are made of Parquet that a job writes/),
    ]);
  });
});

test("checks go to the job that writes the dataset, not to those that read it", () => {
  const documents = documentsOf(
    TARGET,
    withCheck("{ rule: rows, min: 1 }"),
    dataset("y"),
    sparkJob("a", ["y"], ["shop"]),
    sparkJob("b", ["shop"], ["y"]),
  );
  const checksOf = (name: string): unknown[] => {
    const [step] = planOf(documents, { shippedCode: SHIPPED, definition: name }).steps;
    if (step === undefined) throw new Error("no step");
    const { inputs, outputs } = paramsOf(step, {
      run: "r-1",
      attempt: 1,
      sample: null,
      inputs: {},
      previous: {},
      prefix: "/p",
      work: "/w",
      outputFolder: (role) => `/o/${role}`,
    });
    return [...Object.values(inputs), ...Object.values(outputs)].map((port) => ("checks" in port ? port.checks : []));
  };
  expect(checksOf("a")).toEqual([[{ rule: "rows", min: 1, onFailure: "fail" }]]);
  expect(checksOf("b")).toEqual([[]]);
});
