/** @module Values with their intervals: found in metrics and tables by their form, drawn as dots with whiskers. */
import { measuresOf } from "../../compare/metrics.ts";
import { figure } from "../measure.ts";
import { cut, oneLine } from "../text.ts";
import { markup, type Markup } from "./markup.ts";
import { numberScale } from "./scale.ts";
import type { ResultTable } from "./table.ts";

export interface Interval {
  label: string;
  /** Absent where only the bounds were told. */
  value?: number;
  lower: number;
  upper: number;
}

/** Values of one measure, to be compared on one scale. */
export interface IntervalChart {
  title: string;
  rows: Interval[];
}

/** Metrics with NAME.lower and NAME.upper beside NAME; those with the same last word of NAME are one chart. */
export function metricIntervals(metrics: Record<string, number>): IntervalChart[] {
  const found = [...measuresOf(metrics)].flatMap(([label, { value, lower, upper }]) =>
    lower === undefined || upper === undefined || ![value, lower, upper].every(Number.isFinite)
      ? []
      : [{ label, value, lower, upper }],
  );
  const groups = Map.groupBy(found, ({ label }) => label.split(".").at(-1) ?? label);
  return [...groups].map(([title, rows]) => ({ title, rows }));
}

/** Of more than these a chart tells less than the table. */
const MOST_ROWS = 60;
const BOUNDS = /^([-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?) to ([-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?)$/i;

/** One chart for each column of cells such as `0.41 to 0.43`. Values come from column `NAME` for a column `NAME, interval`, names from the columns of words. */
export function tableIntervals({ title, columns, rows }: ResultTable): IntervalChart[] {
  const isWords = columns.map((_title, at) =>
    rows.some(
      (row) => typeof row[at] === "string" && boundsOf(row[at]) === undefined && numberOf(row[at]) === undefined,
    ),
  );
  return columns.flatMap((column, at) => {
    const filled = rows.filter((row) => (row[at] ?? "") !== "");
    if (filled.length === 0 || filled.length > MOST_ROWS || filled.some((row) => boundsOf(row[at]) === undefined))
      return [];
    const source = columns.indexOf(column.split(",")[0]?.trim() ?? "");
    const found = filled.map((row) => {
      const [lower, upper] = boundsOf(row[at]) ?? [];
      const value = source === at ? undefined : numberOf(row[source]);
      const label = row.filter((_cell, column) => isWords[column]).join(", ");
      return { label, lower: lower ?? 0, upper: upper ?? 0, ...(value === undefined ? {} : { value }) };
    });
    return [{ title: `${title}: ${column}`, rows: found }];
  });
}

function boundsOf(cell: string | number | null | undefined): number[] | undefined {
  const [, ...bounds] = typeof cell === "string" ? (BOUNDS.exec(cell.trim()) ?? []) : [];
  const numbers = bounds.map(Number).filter(Number.isFinite);
  return numbers.length === 2 ? numbers : undefined;
}

function numberOf(cell: string | number | null | undefined): number | undefined {
  const value = typeof cell === "string" && cell.trim() !== "" ? Number(cell) : cell;
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

const WIDTH = 760;
const LABELS = 220;
const VALUES = 215;
const ROW = 26;

/** The chart; `id` is unique in its page and made of letters, digits and dashes. */
export function intervalDrawing({ title, rows }: IntervalChart, id: string): Markup {
  const ends = rows.flatMap(({ value, lower, upper }) => [lower, upper, ...(value === undefined ? [] : [value])]);
  const scale = numberScale([Math.min(...ends), Math.max(...ends)], [LABELS + 8, WIDTH - VALUES]);
  const bottom = rows.length * ROW + 6;
  const height = bottom + 22;
  const ticks = scale.ticks.map(
    (
      tick,
    ) => markup`<line class="${tick === 0 ? "zero" : "grid"}" x1="${scale.at(tick)}" x2="${scale.at(tick)}" y1="0" y2="${bottom}"/>
<text class="tick" x="${scale.at(tick)}" y="${height - 6}">${figure(tick)}</text>
`,
  );
  const drawn = rows.map((row, at) => whisker(row, scale.at, at * ROW + ROW / 2 + 2));
  const words = rows.map((row) => `${row.label}: ${intervalText(row)}`);
  return markup`<figure><figcaption>${oneLine(title)}</figcaption>
<div class="wide"><svg class="chart" role="img" aria-labelledby="${id}-title ${id}-desc" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">
<title id="${id}-title">${oneLine(title)}</title>
<desc id="${id}-desc">${oneLine(words.join("; "))}</desc>
${ticks}${drawn}</svg></div></figure>
`;
}

function whisker(row: Interval, at: (value: number) => number, y: number): Markup {
  const [from, to] = [at(row.lower), at(row.upper)];
  const dot = row.value === undefined ? [] : [markup`<circle class="dot" cx="${at(row.value)}" cy="${y}" r="4.5"/>`];
  return markup`<g><title>${oneLine(row.label)}: ${intervalText(row)}</title>
<text class="label" x="0" y="${y + 4}">${cut(oneLine(row.label), 32)}</text>
<path class="whisker" d="M${from} ${y - 5}V${y + 5}M${from} ${y}H${to}M${to} ${y - 5}V${y + 5}"/>${dot}
<text class="value" x="${WIDTH - VALUES + 16}" y="${y + 4}">${intervalText(row)}</text></g>
`;
}

function intervalText({ value, lower, upper }: Interval): string {
  const bounds = `${figure(lower)} to ${figure(upper)}`;
  return value === undefined ? bounds : `${figure(value)} (${bounds})`;
}
