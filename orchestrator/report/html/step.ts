/** @module The section of a step: what it was, what it said, its metrics and tables with their charts. */
import { stepFields, type Surroundings } from "../describe.ts";
import { figure } from "../measure.ts";
import type { StepResult } from "../results.ts";
import { toneOf, type RunSheet, type StepRow } from "../run.ts";
import { noPaint, oneLine } from "../text.ts";
import { curveChart, curveDrawing } from "./curve.ts";
import { anchorOf } from "./dag.ts";
import { intervalDrawing, metricIntervals, tableIntervals } from "./intervals.ts";
import { markup, NOTHING, type Markup } from "./markup.ts";
import { resultTable, valueTable } from "./table.ts";

/** Shown in the heading, or said by the page as a whole. */
const SAID_ELSEWHERE = ["Step", "Phase", "Cache key"];

export function stepSection(run: RunSheet, row: StepRow, around: Surroundings): Markup {
  const { step, status } = row;
  const anchor = anchorOf(run, step.name);
  const fields = stepFields(run, row, { ...around, paint: noPaint }).filter(([name]) => !SAID_ELSEWHERE.includes(name));
  const read = Object.values(status.inputs ?? {}).map(({ dataset, version }) => `${dataset}@${version}`);
  const written = Object.entries(status.outputs ?? {}).map(([dataset, version]) => `${dataset}@${version}`);
  const result = around.results.find((one) => one.step === step.name);
  return markup`<section id="${anchor}"><h3>${step.name} ${phaseMark(status.phase)}</h3>
${fieldList([...fields, ["Reads", read.join(", ")], ["Writes", written.join(", ")]])}${result === undefined ? NOTHING : resultParts(result, anchor)}</section>
`;
}

/** A phase in its colour, and in words. */
export function phaseMark(phase: Parameters<typeof toneOf>[0]): Markup {
  return markup`<span class="phase ${toneOf(phase)}">${phase}</span>`;
}

/** Names and values; those without a value are left out. */
export function fieldList(fields: [string, string][]): Markup {
  const shown = fields.filter(([, value]) => value !== "");
  const rows = shown.map(
    ([name, value]) => markup`<dt>${name}</dt><dd>${oneLine(value)}</dd>
`,
  );
  return markup`<dl>${rows}</dl>
`;
}

function resultParts({ notes, metrics, tables }: StepResult, anchor: string): Markup {
  const said = notes.map((note) => markup`<li>${oneLine(note)}</li>`);
  const ofMetrics = metricIntervals(metrics).map((chart, at) => intervalDrawing(chart, `${anchor}-measure-${at + 1}`));
  const ofTables = tables.map((table, at) => {
    const id = `${anchor}-table-${at + 1}`;
    const curve = curveChart(table);
    const intervals = tableIntervals(table).map((chart, number) => intervalDrawing(chart, `${id}-${number + 1}`));
    return markup`${resultTable(table)}${curve === undefined ? NOTHING : curveDrawing(curve, id)}${intervals}`;
  });
  const rows = Object.entries(metrics).map(([name, value]): [string, string] => [oneLine(name), figure(value)]);
  return markup`${
    said.length === 0
      ? NOTHING
      : markup`<ul class="notes">${said}</ul>
`
  }${ofMetrics}${ofTables}${
    rows.length === 0
      ? NOTHING
      : markup`<details><summary>Metrics (${rows.length})</summary>
${valueTable(["Metric", "Value"], rows)}</details>
`
  }`;
}
