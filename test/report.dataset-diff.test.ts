import { describe, expect, test } from "vitest";
import { columnChanges, diffView, profileChanges } from "../orchestrator/report/dataset-diff.ts";
import { versionView, type VersionRow } from "../orchestrator/report/datasets.ts";
import { noPaint } from "../orchestrator/report/text.ts";

const AT = Date.UTC(2026, 0, 1);
const ENTITY = { column: "entity", nulls: 0, distinct: 2, min: "ann", max: "bob" };
const OLD: VersionRow = {
  dataset: "shop",
  version: "v-1",
  format: "parquet",
  columns: [
    { name: "entity", type: "string" },
    { name: "age", type: "int" },
    { name: "gone", type: "date" },
  ],
  partitionBy: [],
  rows: 1000,
  profile: [ENTITY, { column: "gone", nulls: 1, distinct: 0, min: null, max: null }],
  files: [{ path: "/a", size: 2048 }],
  madeBy: { run: "r-1", step: "s", attempt: 1 },
  createdAt: AT,
};
const NEW: VersionRow = {
  ...OLD,
  version: "v-2",
  columns: [
    { name: "new", type: "double" },
    { name: "age", type: "bigint" },
    { name: "entity", type: "string" },
  ],
  rows: 900,
  profile: [{ ...ENTITY, nulls: 3, max: null }],
  files: [
    { path: "/b", size: 2048 },
    { path: "/c", size: 1024 },
  ],
  createdAt: AT + 60_000,
};

describe("columnChanges()", () => {
  const [a, b] = [
    { name: "a", type: "int" },
    { name: "b", type: "int" },
  ];
  test.for([
    ["nothing", [a, b], [a, b], []],
    ["another order is no change", [a, b], [b, a], []],
    ["added", [a], [b, a], [{ column: "b", change: "added", after: "int" }]],
    ["removed", [a, b], [b], [{ column: "a", change: "removed", before: "int" }]],
    [
      "another type",
      [a],
      [{ name: "a", type: "bigint" }],
      [{ column: "a", change: "type changed", before: "int", after: "bigint" }],
    ],
  ] as const)("%s", ([, before, after, changes]) => {
    expect(columnChanges([...before], [...after])).toEqual(changes);
  });
});

test("profileChanges() tells only columns of both that differ, and nothing unless both were profiled", () => {
  expect(profileChanges(OLD, NEW).map(({ column }) => column)).toEqual(["entity"]);
  expect(profileChanges(OLD, OLD)).toEqual([]);
  const { profile: _, ...unprofiled } = OLD;
  expect(profileChanges(unprofiled, NEW)).toEqual([]);
});

test("dataset diff", () => {
  const current = { version: "v-2", run: "r-1", attempt: 1, sequence: 1, movedAt: AT };
  expect(diffView(OLD, NEW, current, AT + 120_000, noPaint).table(false)).toBe(`\
Before  shop@v-1, made by r-1/s, 2m ago
After   shop@v-2 (current), made by r-1/s, 60s ago

MEASURE    BEFORE     AFTER    CHANGE
rows        1,000       900    -10.0%
size      2.0 KiB   3.0 KiB    +50.0%
files           1         2   +100.0%

COLUMN   CHANGE         BEFORE   AFTER
age      type changed   int      bigint
gone     removed        date
new      added          -        double

COLUMN    NULLS   DISTINCT   MIN   MAX
entity   0 -> 3          2   ann   bob -> -
`);
});

test("dataset show prints the profile beside the columns", () => {
  expect(versionView(OLD, undefined, AT, noPaint).table(false)).toContain(`
COLUMN   TYPE     NULLS   DISTINCT   MIN   MAX
entity   string       0          2   ann   bob
age      int          -          -   -
gone     date         1          0   -
`);
});
