/** @module What jobs report of their work: metrics, tables and notes, as their result documents hold them. */
import { figure } from "./measure.ts";
import { table } from "./table.ts";
import { harmless, indent, oneLine, type Paint } from "./text.ts";

/** The parts of a step's commit that people read. */
export interface StepResult {
  step: string;
  metrics: Record<string, number>;
  tables: { title: string; columns: string[]; rows: (string | number | null)[][] }[];
  notes: string[];
}

/** Everything one step reported; empty when it reported nothing. */
export function resultText(result: StepResult, paint: Paint): string {
  const metrics = Object.entries(result.metrics);
  const parts = [
    notesText(result.notes),
    metrics.length === 0 ? "" : table(METRICS, metrics, { paint }),
    ...result.tables.map((sheet) => tableText(sheet, paint)),
  ];
  return parts.filter((part) => part !== "").join("\n");
}

/** Notes and tables only: what the end of a run says beside the steps. */
export function headlines(result: StepResult, paint: Paint): string {
  return [notesText(result.notes), ...result.tables.map((sheet) => tableText(sheet, paint))]
    .filter((part) => part !== "")
    .join("\n");
}

const METRICS = [
  { title: "METRIC", value: ([name]: [string, number]) => name },
  { title: "VALUE", value: ([, value]: [string, number]) => figure(value), align: "right" as const },
];

function notesText(notes: string[]): string {
  return notes.map((note) => `${oneLine(note)}\n`).join("");
}

function tableText(sheet: StepResult["tables"][number], paint: Paint): string {
  const columns = sheet.columns.map((title, at) => ({
    title: title.toUpperCase(),
    value: (row: (string | number | null)[]) => cell(row[at] ?? null),
    align: sheet.rows.every((row) => typeof row[at] !== "string") ? ("right" as const) : ("left" as const),
  }));
  return `${harmless(sheet.title)}\n${indent(table(columns, sheet.rows, { paint }), "  ")}`;
}

function cell(value: string | number | null): string {
  return value === null ? "" : typeof value === "number" ? figure(value) : value;
}
