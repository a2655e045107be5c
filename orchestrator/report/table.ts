/** @module Plain columns as kubectl prints them: upper-case titles, no lines, no trailing blanks. */
import { noPaint, oneLine, type Paint, type Tone } from "./text.ts";

export interface Column<Row> {
  title: string;
  value(row: Row): string;
  /** Shown by `-o wide` only. */
  wide?: boolean;
  align?: "left" | "right";
  tone?(row: Row): Tone | undefined;
}

export interface TableOptions {
  wide?: boolean;
  paint?: Paint;
  /** What to say instead of a table without rows. */
  empty?: string;
}

const GAP = "   ";

/** Text of a table, ending with a line break. Cells are one line each; an empty cell before the last shows as `-`. */
export function table<Row>(columns: Column<Row>[], rows: Row[], options: TableOptions = {}): string {
  if (rows.length === 0 && options.empty !== undefined) return `${options.empty}\n`;
  const shown = columns.filter((column) => !column.wide || options.wide);
  const last = shown.length - 1;
  const cells = rows.map((row) => shown.map((column, at) => oneLine(column.value(row)) || (at === last ? "" : "-")));
  const widths = shown.map((column, at) =>
    Math.max(width(column.title), ...cells.map((line) => width(line[at] ?? ""))),
  );
  const paint = options.paint ?? noPaint;
  const head = line(shown.map((column, at) => pad(column.title, widths[at] ?? 0, column.align)));
  const body = rows.map((row, number) =>
    line(
      shown.map((column, at) => {
        const text = cells[number]?.[at] ?? "";
        const tone = column.tone?.(row);
        return pad(text, widths[at] ?? 0, column.align).replace(text, () =>
          tone === undefined ? text : paint(tone, text),
        );
      }),
    ),
  );
  return [paint("strong", head), ...body].map((text) => `${text}\n`).join("");
}

function line(cells: string[]): string {
  return cells.join(GAP).trimEnd();
}

function pad(text: string, size: number, align: "left" | "right" = "left"): string {
  const blanks = " ".repeat(Math.max(0, size - width(text)));
  return align === "right" ? blanks + text : text + blanks;
}

function width(text: string): number {
  return [...text].length;
}
