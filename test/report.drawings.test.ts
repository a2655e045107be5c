/** The parts of a run's page: where things are drawn, and which charts are. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { StepStatus } from "../orchestrator/engine/run-state.ts";
import { curveChart } from "../orchestrator/report/html/curve.ts";
import { layersOf, layOut, type Needing } from "../orchestrator/report/html/dag-layout.ts";
import { metricIntervals, tableIntervals } from "../orchestrator/report/html/intervals.ts";
import { numberScale, timeScale } from "../orchestrator/report/html/scale.ts";
import { mostOf } from "../orchestrator/report/html/table.ts";
import { barsOf } from "../orchestrator/report/html/timeline.ts";
import { AT, attempt, failure } from "./sample-attempt.ts";

describe("steps as a drawing", () => {
  const needing = (text: string): Needing[] =>
    text.split(" ").map((word) => {
      const [name = "", needs = ""] = word.split("<");
      return { name, needs: needs.split(",").filter((need) => need !== "") };
    });

  test.for([
    ["a", "a0"],
    ["a b", "a0 b0"],
    ["a b<a c<b", "a0 b1 c2"],
    ["a b<a c<a d<b,c", "a0 b1 c1 d2"],
    ["a b<a c<b,a", "a0 b1 c2"],
    ["a<elsewhere b<a", "a0 b1"],
  ] as const)("layers of %s are %s", ([steps, layers]) => {
    const found = [...layersOf(needing(steps))].map(([name, layer]) => `${name}${layer}`);
    expect(found.join(" ")).toBe(layers);
  });

  test("an edge that passes a layer goes around its boxes", () => {
    const { boxes, edges, width, height } = layOut(needing("a b<a c<a,b"), { width: 100, height: 40 });
    expect(boxes).toEqual([
      { name: "a", x: 0, y: 10 },
      { name: "b", x: 148, y: 0 },
      { name: "c", x: 296, y: 10 },
    ]);
    expect(edges.find(({ from, to }) => from === "a" && to === "c")?.points).toEqual([
      { x: 100, y: 30 },
      { x: 148, y: 58 },
      { x: 248, y: 58 },
      { x: 296, y: 30 },
    ]);
    expect([width, height]).toEqual([396, 60]);
  });

  test("boxes never lie on each other, and edges go from left to right", () => {
    const steps = fc
      .array(fc.array(fc.nat(20), { maxLength: 4 }), { maxLength: 20 })
      .map((all) =>
        all.map((needs, at) => ({ name: `s${at}`, needs: needs.filter((one) => one < at).map((one) => `s${one}`) })),
      );
    fc.assert(
      fc.property(steps, (steps) => {
        const { boxes, edges } = layOut(steps, { width: 100, height: 40 });
        expect(boxes.map(({ name }) => name).toSorted()).toEqual(steps.map(({ name }) => name).toSorted());
        const apart = boxes.every((a) => boxes.every((b) => a === b || a.x !== b.x || Math.abs(a.y - b.y) >= 40));
        const forward = edges.every(({ points }) =>
          points.every(({ x }, at) => at === 0 || x > (points[at - 1]?.x ?? 0)),
        );
        expect([apart, forward]).toEqual([true, true]);
      }),
    );
  });
});

test.for([
  [0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]],
  [0.283, 0.4319, [0.3, 0.35, 0.4]],
  [-0.002, 0.009, [-0.002, 0, 0.002, 0.004, 0.006, 0.008]],
  [4, 4, [3.6, 3.8, 4, 4.2, 4.4]],
  [0, 0, [-1, -0.5, 0, 0.5, 1]],
  [1, 5, [1, 2, 3, 4, 5]],
] as const)("numberScale(%d, %d) is marked at %j", ([low, high, ticks]) => {
  expect(numberScale([low, high], [0, 100]).ticks).toEqual(ticks);
});

test.for([
  [400, [0, 1]],
  [5000, [0, 1, 2, 3, 4, 5]],
  [95_000, [0, 15, 30, 45, 60, 75, 90]],
  [22 * 60_000, [0, 300, 600, 900, 1200]],
  [30 * 3_600_000, [0, 21_600, 43_200, 64_800, 86_400, 108_000]],
  [10 * 86_400_000, [0, 172_800, 345_600, 518_400, 691_200, 864_000]],
] as const)("timeScale(%d ms) is marked at seconds %j", ([ms, ticks]) => {
  expect(timeScale(ms, [0, 100]).ticks.map((tick) => tick / 1000)).toEqual(ticks);
});

test("scales put every value between their ends, whatever the bounds", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), (a, b) => {
      const scale = numberScale([Math.min(a, b), Math.max(a, b)], [0, 100]);
      expect(scale.ticks.length).toBeLessThanOrEqual(20);
      expect(scale.ticks.every((tick) => scale.at(tick) > -1 && scale.at(tick) < 101)).toBe(true);
    }),
  );
});

describe("bars of a step", () => {
  const told = (status: Partial<StepStatus>) =>
    barsOf({ phase: "Succeeded", attempts: [], ...status }, AT + 60_000).map(
      ({ phase, attempt, from, to }) => `${phase}${attempt ?? ""} ${(from - AT) / 1000}-${(to - AT) / 1000}`,
    );

  test.for<[string, Partial<StepStatus>, string[]]>([
    ["nothing yet", { phase: "Waiting" }, []],
    ["in the queue", { phase: "Waiting", readyAt: AT }, ["queued 0-60"]],
    ["done", { attempts: [attempt], endedAt: AT + 6000 }, ["submitted1 0-1", "running1 1-5", "publishing 5-6"]],
    [
      "on a cluster, by a clock that is behind",
      { attempts: [{ ...attempt, pendingAt: AT + 3000 }], endedAt: AT + 5000 },
      ["submitted1 0-3", "pending1 3-3", "running1 3-5"].filter((bar) => bar !== "pending1 3-3"),
    ],
    [
      "failed, then running",
      {
        phase: "Running",
        attempts: [
          { ...attempt, failure },
          { ...attempt, number: 2, recordedAt: AT + 9000, startedAt: AT + 10_000, endedAt: undefined as never },
        ],
      },
      ["submitted1 0-1", "failed1 1-5", "backoff 5-9", "submitted2 9-10", "running2 10-60"],
    ],
    ["cached", { phase: "Cached", endedAt: AT }, []],
  ])("%s", ([, status, bars]) => {
    expect(told(status)).toEqual(bars);
  });
});

describe("charts are found by the form of what was reported", () => {
  test("metrics with bounds, one chart for each last word", () => {
    const metrics = {
      "a.r": 2,
      "a.r.lower": 1,
      "a.r.upper": 3,
      "b.r": 4,
      "b.r.lower": 3,
      "b.r.upper": 5,
      loss: 1,
      "loss.lower": 0,
    };
    expect(metricIntervals(metrics)).toEqual([
      {
        title: "r",
        rows: [
          { label: "a.r", value: 2, lower: 1, upper: 3 },
          { label: "b.r", value: 4, lower: 3, upper: 5 },
        ],
      },
    ]);
  });

  test("columns of intervals, with the value where there is one", () => {
    const columns = ["by", "group", "visits", "gain", "gain, interval"];
    const rows = [
      ["size", "1 to 4", 10, "+0.004", "-0.001 to +0.009"],
      ["size", "5 and more", 10, "+0.02", "+0.01 to +0.03"],
    ];
    expect(tableIntervals({ title: "T", columns, rows })).toEqual([
      {
        title: "T: gain, interval",
        rows: [
          { label: "size, 1 to 4", value: 0.004, lower: -0.001, upper: 0.009 },
          { label: "size, 5 and more", value: 0.02, lower: 0.01, upper: 0.03 },
        ],
      },
    ]);
    expect(tableIntervals({ title: "T", columns: ["a", "b"], rows: [["x", "1 to 2"]] })[0]?.rows).toEqual([
      { label: "x", lower: 1, upper: 2 },
    ]);
    expect(tableIntervals({ title: "T", columns: ["a"], rows: [] })).toEqual([]);
  });

  test.for<[string, string[], (string | number | null)[][], string[] | undefined]>([
    [
      "loss by epoch",
      ["epoch", "loss", "rank 0"],
      [
        [1, 4.5, "ab"],
        [2, 4.1, "cd"],
      ],
      ["loss"],
    ],
    [
      "two losses",
      ["Epoch", "loss", "validation loss"],
      [
        [1, 4, 5],
        [2, 3, 4],
      ],
      ["loss", "validation loss"],
    ],
    ["one epoch", ["epoch", "loss"], [[1, 4.5]], undefined],
    [
      "no loss",
      ["epoch", "glossary"],
      [
        [1, 4.5],
        [2, 4.1],
      ],
      undefined,
    ],
    [
      "not rising",
      ["epoch", "loss"],
      [
        [2, 4.5],
        [1, 4.1],
      ],
      undefined,
    ],
    [
      "not epochs",
      ["k", "loss"],
      [
        [1, 4.5],
        [2, 4.1],
      ],
      undefined,
    ],
  ])("%s", ([, columns, rows, curves]) => {
    expect(curveChart({ title: "T", columns, rows })?.curves.map(({ label }) => label)).toEqual(curves);
  });

  test.for<[(string | number | null)[], number]>([
    [[1, 3, null], 3],
    [[1, -3], 0],
    [[3], 0],
    [[1, "x"], 0],
    [[0, 0], 0],
    [[4.4, 4.6], 0],
    [[Infinity, 1], 0],
  ])("bars of %j are as long as %d", ([cells, most]) => {
    expect(mostOf(cells)).toBe(most);
  });
});
