/** @module Datasets, their versions and the moves of their pointers. */
import { timestamp } from "../clock.ts";
import type { Json } from "../json.ts";
import { API_VERSION } from "../kinds/fields.ts";
import type { View } from "./format.ts";
import { age, bytes, figure } from "./measure.ts";
import { table, type Column } from "./table.ts";
import { counted, type Paint } from "./text.ts";

/** Which version readers see, and who put it there. */
export interface Published {
  version: string;
  run: string;
  attempt: number;
  sequence: number;
  movedAt: number;
}

export interface DatasetRow {
  dataset: string;
  current?: Published;
  versions: number;
}

/** `dataset list`. */
export function datasetsView(rows: DatasetRow[], now: number, paint: Paint, empty: string): View {
  const columns: Column<DatasetRow>[] = [
    { title: "DATASET", value: (row) => row.dataset },
    { title: "VERSION", value: (row) => row.current?.version ?? "" },
    { title: "RUN", value: (row) => row.current?.run ?? "" },
    { title: "VERSIONS", value: (row) => String(row.versions), align: "right" },
    { title: "AGE", value: (row) => (row.current === undefined ? "" : age(now - row.current.movedAt)), align: "right" },
  ];
  return {
    object: list(
      "DatasetList",
      rows.map((row) => ({
        name: row.dataset,
        versions: row.versions,
        ...(row.current && { current: dated(row.current) }),
      })),
    ),
    names: rows.map((row) => `dataset/${row.dataset}`),
    table: (wide) => table(columns, rows, { wide, paint, empty }),
  };
}

/** What a job saw in a column; least and greatest value as text, null where there is none. */
export interface ColumnProfile {
  column: string;
  nulls: number;
  /** Approximate number of different values, null left out. */
  distinct: number;
  min: string | null;
  max: string | null;
}

/** The part of a manifest that is shown. */
export interface VersionRow {
  dataset: string;
  version: string;
  format: string;
  columns: { name: string; type: string }[];
  partitionBy: string[];
  rows?: number;
  profile?: ColumnProfile[];
  files: { path: string; size: number }[];
  madeBy?: { run: string; step: string; attempt: number };
  createdAt: number;
}

/** `dataset show` without a version: newest first; `*` marks what readers see. */
export function versionsView(rows: VersionRow[], current: Published | undefined, now: number, paint: Paint): View {
  const columns: Column<VersionRow>[] = [
    {
      title: "VERSION",
      value: (row) => row.version,
      tone: (row) => (row.version === current?.version ? "good" : undefined),
    },
    { title: "CURRENT", value: (row) => (row.version === current?.version ? "*" : "") },
    { title: "ROWS", value: (row) => (row.rows === undefined ? "" : figure(row.rows)), align: "right" },
    { title: "FILES", value: (row) => String(row.files.length), align: "right" },
    { title: "SIZE", value: (row) => bytes(sizeOf(row)), align: "right" },
    { title: "MADE BY", value: (row) => madeBy(row) },
    { title: "AGE", value: (row) => age(now - row.createdAt), align: "right" },
  ];
  return {
    object: list(
      "DatasetVersionList",
      rows.map((row) => versionObject(row)),
    ),
    names: rows.map((row) => `dataset/${row.dataset}@${row.version}`),
    table: (wide) => table(columns, rows, { wide, paint }),
  };
}

/** `dataset show DATASET@VERSION`: one version with its columns and files. */
export function versionView(row: VersionRow, current: Published | undefined, now: number, paint: Paint): View {
  return {
    object: versionObject(row),
    names: [`dataset/${row.dataset}@${row.version}`],
    table: (wide) => versionText(row, current, now, paint, wide),
  };
}

const MOST_FILES = 5;

const FILES: Column<{ path: string; size: number }>[] = [
  { title: "FILE", value: (file) => file.path },
  { title: "SIZE", value: (file) => bytes(file.size), align: "right" },
];

const COLUMNS: Column<{ name: string; type: string }>[] = [
  { title: "COLUMN", value: (column) => column.name },
  { title: "TYPE", value: (column) => column.type },
];

/** Its columns, with what was counted of them when the dataset asks for a profile. */
function columnsText({ columns, profile = [] }: VersionRow, paint: Paint): string {
  const found = new Map(profile.map((one) => [one.column, one]));
  const seen = (title: string, of: (one: ColumnProfile) => string): Column<{ name: string; type: string }> => ({
    title,
    value: ({ name }) => {
      const one = found.get(name);
      return one === undefined ? "" : of(one);
    },
  });
  const profiled = [
    { ...seen("NULLS", (one) => figure(one.nulls)), align: "right" as const },
    { ...seen("DISTINCT", (one) => figure(one.distinct)), align: "right" as const },
    seen("MIN", (one) => one.min ?? ""),
    seen("MAX", (one) => one.max ?? ""),
  ];
  return table(profile.length === 0 ? COLUMNS : [...COLUMNS, ...profiled], columns, { paint });
}

function versionText(
  row: VersionRow,
  current: Published | undefined,
  now: number,
  paint: Paint,
  wide: boolean,
): string {
  const shown = wide ? row.files : row.files.slice(0, MOST_FILES);
  const left = row.files.length - shown.length;
  const fields: [string, string][] = [
    ["Dataset", row.dataset],
    ["Version", `${row.version}${row.version === current?.version ? " (current)" : ""}`],
    ["Format", row.format],
    ["Rows", row.rows === undefined ? "" : figure(row.rows)],
    ["Size", `${bytes(sizeOf(row))} in ${counted(row.files.length, "file")}`],
    ["Made by", madeBy(row)],
    ["Made", `${timestamp(row.createdAt)} (${age(now - row.createdAt)} ago)`],
    ["Partitions", row.partitionBy.join(", ")],
  ];
  const files = table(FILES, shown, { paint });
  return [
    fields
      .filter(([, value]) => value !== "")
      .map(([name, value]) => `${name.padEnd(10)}  ${value}\n`)
      .join(""),
    ...(row.columns.length === 0 ? [] : [columnsText(row, paint)]),
    `${files}${left > 0 ? `… ${left} more (-o wide shows them)\n` : ""}`,
  ].join("\n");
}

/** One move of a pointer. */
export interface MoveRow extends Published {
  action: "publish" | "rollback";
  before?: string;
  by?: string;
  reason?: string;
}

/** `dataset history`: newest first is the caller's order. */
export function movesView(dataset: string, rows: MoveRow[], now: number, paint: Paint): View {
  const columns: Column<MoveRow>[] = [
    { title: "ACTION", value: (row) => row.action },
    { title: "VERSION", value: (row) => row.version },
    { title: "BEFORE", value: (row) => row.before ?? "" },
    { title: "RUN", value: (row) => row.run },
    { title: "BY", value: (row) => [row.by, row.reason].filter((part) => part !== undefined).join(": ") },
    { title: "AGE", value: (row) => age(now - row.movedAt), align: "right" },
    { title: "MOVED", value: (row) => timestamp(row.movedAt), wide: true },
  ];
  return {
    object: list("DatasetMoveList", rows.map(dated)),
    names: rows.map((row) => `dataset/${dataset}@${row.version}`),
    table: (wide) => table(columns, rows, { wide, paint, empty: `Dataset ${dataset} was never published` }),
  };
}

function versionObject({ createdAt, ...row }: VersionRow): Json {
  return JSON.parse(JSON.stringify({ ...row, createdAt: timestamp(createdAt) })) as Json;
}

function dated({ movedAt, ...rest }: Published | MoveRow): Json {
  return JSON.parse(JSON.stringify({ ...rest, movedAt: timestamp(movedAt) })) as Json;
}

function list(kind: string, items: Json[]): Json {
  return { apiVersion: API_VERSION, kind, items };
}

function madeBy({ madeBy: maker }: VersionRow): string {
  return maker === undefined ? "outside" : `${maker.run}/${maker.step}`;
}

function sizeOf(row: VersionRow): number {
  return row.files.reduce((sum, file) => sum + file.size, 0);
}
