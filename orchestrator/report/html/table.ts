/** @module Tables of a page, with bars behind numbers that can be compared by length. */
import { figure } from "../measure.ts";
import type { StepResult } from "../results.ts";
import { oneLine } from "../text.ts";
import { markup, NOTHING, type Markup } from "./markup.ts";

export type ResultTable = StepResult["tables"][number];
type Cell = string | number | null;

/** A table of texts; nothing without rows. The first cell of a row is its header. */
export function plainTable(columns: string[], rows: string[][]): Markup {
  if (rows.length === 0) return NOTHING;
  const head = columns.map((title) => markup`<th scope="col">${title}</th>`);
  return tableOf(
    head,
    rows.map(([first = "", ...rest]) => {
      const cells = rest.map((text) => markup`<td>${text}</td>`);
      return markup`<tr><th scope="row">${first}</th>${cells}</tr>
`;
    }),
  );
}

/** Two columns: names, and values at the right. */
export function valueTable(columns: [string, string], rows: [string, string][]): Markup {
  if (rows.length === 0) return NOTHING;
  const [name, value] = columns;
  return tableOf(
    [markup`<th scope="col">${name}</th><th scope="col" class="number">${value}</th>`],
    rows.map(
      ([one, other]) => markup`<tr><th scope="row">${one}</th><td class="number">${other}</td></tr>
`,
    ),
  );
}

/** A table that a job reported, below its title. */
export function resultTable(table: ResultTable): Markup {
  const columns = table.columns.map((title, at) => {
    const cells = table.rows.map((row) => row[at] ?? null);
    return { title, isNumber: cells.every((cell) => typeof cell !== "string"), most: at === 0 ? 0 : mostOf(cells) };
  });
  const head = columns.map(({ title, isNumber }) =>
    isNumber ? markup`<th scope="col" class="number">${title}</th>` : markup`<th scope="col">${title}</th>`,
  );
  const body = table.rows.map((row) => {
    const cells = columns.map(({ isNumber, most }, at) => cellOf(row[at] ?? null, isNumber, most));
    return markup`<tr>${cells}</tr>
`;
  });
  return markup`<h4>${oneLine(table.title)}</h4>
${tableOf(head, body)}`;
}

/** Bars of nearly one length tell nothing: the smallest is at most this part of the greatest. */
const TELLING = 0.9;

/** The length of a full bar: the greatest of several counts, shares or the like; 0 where there are to be no bars. */
export function mostOf(cells: Cell[]): number {
  const numbers = cells.filter((cell) => cell !== null);
  if (numbers.length < 2 || !numbers.every((cell) => typeof cell === "number" && Number.isFinite(cell) && cell >= 0))
    return 0;
  const sorted = numbers.map(Number).toSorted((a, b) => a - b);
  const [least = 0, most = 0] = [sorted[0], sorted.at(-1)];
  return least <= TELLING * most ? most : 0;
}

function cellOf(cell: Cell, isNumber: boolean, most: number): Markup {
  if (!isNumber)
    return markup`<td>${cell === null ? "" : oneLine(typeof cell === "number" ? figure(cell) : cell)}</td>`;
  if (typeof cell !== "number") return markup`<td class="number"></td>`;
  if (most === 0) return markup`<td class="number">${figure(cell)}</td>`;
  return markup`<td class="number amount" style="--part:${(100 * cell) / most}%">${figure(cell)}</td>`;
}

function tableOf(head: Markup[], body: Markup[]): Markup {
  return markup`<div class="wide"><table><thead><tr>${head}</tr></thead>
<tbody>${body}</tbody></table></div>
`;
}
