import { describe, expect, test } from "vitest";
import { chosenQuarter, quarterOf } from "../../scripts/quarter.mjs";

const cases = Array.from({ length: 11 }, (_, at) => at);

describe("quarterOf()", () => {
  test("four quarters are the whole matrix, each case once", () => {
    const quarters = ["1", "2", "3", "4"].map((quarter) => quarterOf(cases, quarter));

    expect(quarters.flat().toSorted((a, b) => a - b)).toEqual(cases);
    expect(quarters.map((some) => some.length)).toEqual([3, 3, 3, 2]);
  });

  test("without a quarter it takes all", () => {
    expect(quarterOf(cases, "")).toEqual(cases);
  });

  test.for(["0", "5", "one", "1.5"])("refuses quarter %s", (quarter) => {
    expect(() => quarterOf(cases, quarter)).toThrow(`Cannot take quarter ${quarter} of the long matrices`);
  });
});

test.for([
  ["CI takes all", { asked: undefined, full: false, ci: true }, /^undefined$/],
  ["so does --all", { asked: undefined, full: true, ci: false }, /^undefined$/],
  ["a quarter that was asked for", { asked: "3", full: false, ci: false }, /^3$/],
  ["one by chance", { asked: undefined, full: false, ci: false }, /^[1-4]$/],
] as const)("%s", ([, of, expected]) => {
  expect(String(chosenQuarter(of))).toMatch(expected);
});
