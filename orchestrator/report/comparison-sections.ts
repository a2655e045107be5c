/** @module The parts of a comparison of two runs as people read them; a part without anything to tell is empty. */
import type { CodeCompared, ModuleDifference } from "../compare/code.ts";
import type { Comparison, StepCompared } from "../compare/comparison.ts";
import type { DataCompared } from "../compare/data.ts";
import type { Measure, MetricDifference } from "../compare/metrics.ts";
import type { SettingDifference } from "../compare/settings.ts";
import { canonical, type Json } from "../json.ts";
import { duration, figure } from "./measure.ts";
import { stepRows, tookMs, type RunSheet } from "./run.ts";
import { table, type Column } from "./table.ts";
import { counted, cut, harmless, type Paint } from "./text.ts";

export interface Compared {
  a: RunSheet;
  b: RunSheet;
  comparison: Comparison;
  /** Equal metrics, too. */
  all: boolean;
  /** Whether changed lines of the code were asked for. */
  diff: boolean;
  now: number;
  paint: Paint;
}

const WIDEST = 60;
const BEFORE_DIFFERENCE = 12;

export function settingsTable(title: string, rows: SettingDifference[], wide: boolean, paint: Paint): string {
  if (rows.length === 0) return "";
  const steps = rows.some(({ step }) => step !== undefined);
  const columns: Column<SettingDifference>[] = [
    ...(steps ? [{ title: "STEP", value: (row: SettingDifference) => row.step ?? "" }] : []),
    { title, value: (row) => row.path },
    { title: "A", value: (row) => valuesText(row, wide)[0] },
    { title: "B", value: (row) => valuesText(row, wide)[1] },
  ];
  return table(columns, rows, { paint });
}

/** Both values; of long ones the part where they begin to differ. */
function valuesText({ a, b }: SettingDifference, wide: boolean): [string, string] {
  const [old, next] = [valueText(a), valueText(b)];
  if (wide || Math.max(old.length, next.length) <= WIDEST) return [old, next];
  let same = 0;
  while (same < old.length && old[same] === next[same]) same += 1;
  const start = Math.max(0, same - BEFORE_DIFFERENCE);
  const part = (text: string) => cut(start === 0 ? text : `…${text.slice(start)}`, WIDEST);
  return [part(old), part(next)];
}

function valueText(value: Json | undefined): string {
  if (value === undefined) return "-";
  return typeof value === "string" && value !== "" ? value : canonical(value);
}

export function codeText({ comparison: { code }, a, b, paint }: Compared): string {
  if (code.steps.length === 0) return "";
  const places = { a: "only in A", b: "only in B", both: "changed" };
  const columns: Column<ModuleDifference>[] = [
    { title: "FILE", value: (row) => row.path },
    { title: "CHANGE", value: (row) => places[row.in] },
    { title: "STEPS", value: (row) => row.steps.join(", ") },
  ];
  const modules = code.modules.length === 0 ? "" : table(columns, code.modules, { paint });
  return `Code differs in ${code.steps.join(", ")}\n${goneText(code, a, b)}${modules}`;
}

function goneText({ gone }: CodeCompared, a: RunSheet, b: RunSheet): string {
  const line = (steps: string[], { name }: RunSheet) =>
    steps.length === 0
      ? ""
      : `The code that ${name} had for ${steps.join(", ")} is gone from its store: which files differ cannot be told\n`;
  return line(gone.a, a) + line(gone.b, b);
}

export function diffText({ path, diff }: ModuleDifference, paint: Paint): string {
  if (diff === undefined) return `The text of ${path} is gone from the store\n`;
  const tones = { "+": "good", "-": "bad", "@": "busy" } as const;
  return harmless(diff).replaceAll(/^([-+@]).*$/gm, (line, sign: keyof typeof tones) => paint(tones[sign], line));
}

export function dataTable(rows: DataCompared[], paint: Paint): string {
  if (rows.length === 0) return "";
  const rowsOf = (row: DataCompared["a"]) => (row?.rows === undefined ? "" : figure(row.rows));
  const columns: Column<DataCompared>[] = [
    { title: "DATASET", value: (row) => row.dataset },
    { title: "FROM", value: ({ a, b }) => [...new Set([a?.from ?? "", b?.from ?? ""])].filter(Boolean).join(", ") },
    { title: "SAME", value: ({ same }) => (same ? "yes" : "no"), tone: ({ same }) => (same ? undefined : "busy") },
    { title: "A", value: ({ a }) => a?.version ?? "" },
    { title: "B", value: ({ b }) => b?.version ?? "" },
    { title: "ROWS A", value: ({ a }) => rowsOf(a), align: "right" },
    { title: "ROWS B", value: ({ b }) => rowsOf(b) || "-", align: "right" },
  ];
  return table(columns, rows, { paint });
}

export function stepsTable({ a, b, comparison, now, paint }: Compared): string {
  const columns: Column<StepCompared>[] = [
    { title: "STEP", value: (row) => row.name },
    { title: "A", value: (row) => stepText(a, row.name, now) },
    { title: "B", value: (row) => stepText(b, row.name, now) },
  ];
  return table(columns, comparison.steps, { paint });
}

function stepText(run: RunSheet, name: string, now: number): string {
  const status = stepRows(run).find(({ step }) => step.name === name)?.status;
  if (status === undefined) return "not in this run";
  const time = timeText(status, now);
  const { phase, cachedFrom } = status;
  if (phase === "Cached" && cachedFrom !== undefined) return `Cached from ${cachedFrom.run}`;
  return time === "" ? phase : `${phase} in ${time}`;
}

type MetricRow = MetricDifference & { step: string };

export function metricsText({ comparison: { steps }, all, paint }: Compared): string {
  const rows = steps.flatMap(({ name, metrics = [] }) => metrics.map((row): MetricRow => ({ step: name, ...row })));
  const equal = rows.filter(({ same }) => same).length;
  const shown = all ? rows : rows.filter(({ same }) => !same);
  const columns: Column<MetricRow>[] = [
    { title: "STEP", value: (row) => row.step },
    { title: "METRIC", value: (row) => row.metric },
    { title: "A", value: (row) => measureText(row.a), align: "right" },
    { title: "B", value: (row) => measureText(row.b), align: "right" },
    { title: "B - A", value: ({ difference }) => differenceText(difference), align: "right" },
    { title: "INTERVALS", value: ({ overlap }) => (overlap === undefined ? "" : overlap ? "overlap" : "apart") },
  ];
  const withIntervals = shown.some(({ overlap }) => overlap !== undefined);
  const lines = [
    ...steps.map(({ name, resultOnlyIn: side }) =>
      side === undefined ? "" : `Only ${side.toUpperCase()} has a result of ${name}\n`,
    ),
    equal === 0 || all
      ? ""
      : `${counted(equal, "metric")} ${equal === 1 ? "is" : "are"} equal; --all shows ${equal === 1 ? "it" : "them"}\n`,
  ];
  const metrics = shown.length === 0 ? "" : table(withIntervals ? columns : columns.slice(0, -1), shown, { paint });
  return `${metrics}${lines.join("")}`;
}

/** `0.4228 (0.4140 to 0.4319)`: value and bounds with equally many decimals. */
export function measureText(measure: Measure | undefined): string {
  if (measure === undefined) return "-";
  const { value, lower, upper } = measure;
  if (lower === undefined || upper === undefined) return figure(value);
  const texts = [value, lower, upper].map(figure);
  const decimals = Math.max(...texts.map((text) => text.split(".")[1]?.length ?? 0));
  const isPlain = texts.every((text) => /^-?\d+(\.\d+)?$/.test(text));
  const [middle, low, high] = isPlain ? [value, lower, upper].map((number) => number.toFixed(decimals)) : texts;
  return `${middle ?? ""} (${low ?? ""} to ${high ?? ""})`;
}

function differenceText(difference: number | undefined): string {
  if (difference === undefined) return "-";
  return difference > 0 ? `+${figure(difference)}` : figure(difference);
}

/** How long a run or step took or has taken so far; empty before it began. */
export function timeText(times: { startedAt?: number; endedAt?: number }, now: number): string {
  const took = tookMs(times, now);
  return took === undefined ? "" : duration(took);
}
