import { describe, expect, test } from "vitest";
import { compareMetrics } from "../orchestrator/compare/metrics.ts";
import { measureText } from "../orchestrator/report/comparison-sections.ts";

describe("compareMetrics()", () => {
  const interval = (lower: number, upper: number) => ({ r: 0.4, "r.lower": lower, "r.upper": upper });

  test.for<[string, Record<string, number>, Record<string, number>, unknown]>([
    ["equal", { n: 1 }, { n: 1 }, { metric: "n", same: true, a: { value: 1 }, b: { value: 1 }, difference: 0 }],
    ["B - A", { n: 1 }, { n: 3 }, { metric: "n", same: false, a: { value: 1 }, b: { value: 3 }, difference: 2 }],
    ["only in A", { n: 1 }, {}, { metric: "n", same: false, a: { value: 1 } }],
    ["only in B", {}, { n: 1 }, { metric: "n", same: false, b: { value: 1 } }],
    ["intervals that overlap", interval(0.3, 0.5), interval(0.45, 0.6), expect.objectContaining({ overlap: true })],
    ["intervals that touch", interval(0.3, 0.5), interval(0.5, 0.6), expect.objectContaining({ overlap: true })],
    ["one interval in the other", interval(0.3, 0.5), interval(0.35, 0.4), expect.objectContaining({ overlap: true })],
    ["A above B", interval(0.51, 0.6), interval(0.3, 0.5), expect.objectContaining({ overlap: false })],
    ["A below B", interval(0.3, 0.5), interval(0.51, 0.6), expect.objectContaining({ overlap: false })],
    ["only the lower bound differs", interval(0.2, 0.5), interval(0.3, 0.5), expect.objectContaining({ same: false })],
    ["only the upper bound differs", interval(0.3, 0.5), interval(0.3, 0.6), expect.objectContaining({ same: false })],
    [
      "an interval on one side",
      interval(0.3, 0.5),
      { r: 0.4 },
      { metric: "r", same: false, a: { value: 0.4, lower: 0.3, upper: 0.5 }, b: { value: 0.4 }, difference: 0 },
    ],
  ])("%s", ([, a, b, expected]) => expect(compareMetrics(a, b)).toEqual([expected]));

  test("a bound without its fellow or its metric is a metric of its own", () => {
    const metrics = { "gate.lower": 1, "gate.upper": 2, x: 1, "x.lower": 0 };
    expect(compareMetrics(metrics, metrics).map(({ metric }) => metric)).toEqual([
      "gate.lower",
      "gate.upper",
      "x",
      "x.lower",
    ]);
  });
});

test.for([
  [{ value: 0.42284 }, "0.4228"],
  [{ value: 0.4228, lower: 0.414, upper: 0.43189 }, "0.4228 (0.4140 to 0.4319)"],
  [{ value: 12, lower: 9, upper: 1400 }, "12 (9 to 1,400)"],
  [{ value: 1e-9, lower: 0, upper: 1 }, "1e-9 (0 to 1)"],
  [undefined, "-"],
] as const)("measureText(%j) is %s", ([measure, expected]) => expect(measureText(measure)).toBe(expected));
