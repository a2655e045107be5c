import { expect, test } from "vitest";
import { keeps, lineOf, median, type Figure } from "../../bench/figure.ts";

const figure: Figure = { name: "cli.help", value: 0.123456, unit: "s", bound: { atMost: 0.3 } };

test("lineOf() is one line of four fields", () => {
  expect(lineOf(figure)).toBe("cli.help\t0.1235\ts\t<=0.3");
  expect(lineOf({ name: "a.b", value: 12_345.6, unit: "rows/s" })).toBe("a.b\t12350\trows/s\t-");
});

test.for([
  [0.3, { atMost: 0.3 }, true],
  [0.31, { atMost: 0.3 }, false],
  [1, { atLeast: 2 }, false],
  [Number.NaN, undefined, false],
  [7, undefined, true],
] as const)("keeps() of %d with %o is %s", ([value, bound, expected]) => {
  expect(keeps({ name: "x", value, unit: "", ...(bound === undefined ? {} : { bound }) })).toBe(expected);
});

test("median() of an even count is between the middle two", () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([])).toBeNaN();
});
