/** @module What differs between two versions of a dataset: columns, rows, bytes, and their profiles where both have one. */
import type { Json } from "../json.ts";
import { API_VERSION } from "../kinds/fields.ts";
import type { ColumnProfile, Published, VersionRow } from "./datasets.ts";
import type { View } from "./format.ts";
import { age, bytes, figure } from "./measure.ts";
import { table, type Column } from "./table.ts";
import type { Paint } from "./text.ts";

interface ColumnChange {
  column: string;
  change: "added" | "removed" | "type changed";
  before?: string;
  after?: string;
}

interface ProfileChange {
  column: string;
  before: Omit<ColumnProfile, "column">;
  after: Omit<ColumnProfile, "column">;
}

/** Columns added, removed or of another type; those of the older version first, in its order. */
export function columnChanges(before: VersionRow["columns"], after: VersionRow["columns"]): ColumnChange[] {
  const [old, now] = [before, after].map((columns) => new Map(columns.map(({ name, type }) => [name, type])));
  const changed = before.flatMap(({ name, type }): ColumnChange[] => {
    const next = now?.get(name);
    if (next === undefined) return [{ column: name, change: "removed", before: type }];
    return next === type ? [] : [{ column: name, change: "type changed", before: type, after: next }];
  });
  const added = after
    .filter(({ name }) => old?.has(name) !== true)
    .map(({ name, type }): ColumnChange => ({ column: name, change: "added", after: type }));
  return [...changed, ...added];
}

/** Columns of both versions whose profile differs; empty unless both were profiled. */
export function profileChanges({ profile: old = [] }: VersionRow, { profile: now = [] }: VersionRow): ProfileChange[] {
  return old.flatMap(({ column, ...before }) => {
    const found = now.find((one) => one.column === column);
    if (found === undefined) return [];
    const { column: _, ...after } = found;
    const isSame = PROFILED.every(({ of }) => of(before) === of(after));
    return isSame ? [] : [{ column, before, after }];
  });
}

/** `dataset diff`: from the version `before` to the version `after`. */
export function diffView(
  before: VersionRow,
  after: VersionRow,
  current: Published | undefined,
  now: number,
  paint: Paint,
): View {
  const [columns, profile] = [columnChanges(before.columns, after.columns), profileChanges(before, after)];
  const object = {
    apiVersion: API_VERSION,
    kind: "DatasetDiff",
    dataset: after.dataset,
    before: summary(before),
    after: summary(after),
    columns,
    profile,
  };
  return {
    object: JSON.parse(JSON.stringify(object)) as Json,
    names: [before, after].map((row) => `dataset/${row.dataset}@${row.version}`),
    table: (wide) =>
      [
        [titleOf("Before", before, current, now), titleOf("After", after, current, now)].join(""),
        table(MEASURES, measures(before, after), { wide, paint }),
        table(CHANGES, columns, { wide, paint, empty: "The columns are the same" }),
        ...(profile.length === 0 ? [] : [table(PROFILES, profile, { wide, paint })]),
      ].join("\n"),
  };
}

interface Measure {
  what: string;
  before: string;
  after: string;
  change: string;
}

const MEASURES: Column<Measure>[] = [
  { title: "MEASURE", value: (row) => row.what },
  { title: "BEFORE", value: (row) => row.before, align: "right" },
  { title: "AFTER", value: (row) => row.after, align: "right" },
  { title: "CHANGE", value: (row) => row.change, align: "right" },
];

const CHANGES: Column<ColumnChange>[] = [
  { title: "COLUMN", value: (row) => row.column },
  { title: "CHANGE", value: (row) => row.change },
  { title: "BEFORE", value: (row) => row.before ?? "" },
  { title: "AFTER", value: (row) => row.after ?? "" },
];

type Profile = ProfileChange["before"];

const PROFILED: { title: string; of: (profile: Profile) => string; align?: "right" }[] = [
  { title: "NULLS", of: ({ nulls }) => figure(nulls), align: "right" },
  { title: "DISTINCT", of: ({ distinct }) => figure(distinct), align: "right" },
  { title: "MIN", of: ({ min }) => min ?? "" },
  { title: "MAX", of: ({ max }) => max ?? "" },
];

const PROFILES: Column<ProfileChange>[] = [
  { title: "COLUMN", value: (row) => row.column },
  ...PROFILED.map(({ title, of, ...align }) => ({
    title,
    value: ({ before, after }: ProfileChange) => arrow(of(before), of(after)),
    ...align,
  })),
];

function arrow(before: string, after: string): string {
  return before === after ? after : `${before === "" ? "-" : before} -> ${after === "" ? "-" : after}`;
}

function measures(before: VersionRow, after: VersionRow): Measure[] {
  const sizes = [before, after].map(sizeOf) as [number, number];
  const isCounted = before.rows !== undefined && after.rows !== undefined;
  const layouts = [before, after].map(({ format, partitionBy }) => [format, ...partitionBy].join(" by ")) as [
    string,
    string,
  ];
  return [
    ...(isCounted ? [measured("rows", before.rows ?? 0, after.rows ?? 0, figure)] : []),
    measured("size", ...sizes, bytes),
    measured("files", before.files.length, after.files.length, figure),
    ...(layouts[0] === layouts[1] ? [] : [{ what: "layout", before: layouts[0], after: layouts[1], change: "" }]),
  ];
}

function measured(what: string, before: number, after: number, say: (value: number) => string): Measure {
  const share = before === 0 ? "" : `${after < before ? "" : "+"}${((after / before - 1) * 100).toFixed(1)}%`;
  return { what, before: say(before), after: say(after), change: before === after ? "" : share };
}

function summary(row: VersionRow): object {
  const { version, rows, format, partitionBy, files } = row;
  return {
    version,
    format,
    partitionBy,
    ...(rows === undefined ? {} : { rows }),
    bytes: sizeOf(row),
    files: files.length,
  };
}

function titleOf(word: string, row: VersionRow, current: Published | undefined, now: number): string {
  const maker = row.madeBy === undefined ? "from outside" : `made by ${row.madeBy.run}/${row.madeBy.step}`;
  const mark = row.version === current?.version ? " (current)" : "";
  return `${word.padEnd(6)}  ${row.dataset}@${row.version}${mark}, ${maker}, ${age(now - row.createdAt)} ago\n`;
}

function sizeOf({ files }: VersionRow): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}
