/** @module A run as one HTML page that needs nothing else: no network, no script, no other file. */
import type { DataVersion } from "../../compare/data.ts";
import { timestamp } from "../../clock.ts";
import { nextCommands, runFields, type Surroundings } from "../describe.ts";
import { failedSteps, failureText } from "../failure.ts";
import { figure } from "../measure.ts";
import { phaseOf, stepRows, type RunSheet } from "../run.ts";
import { noPaint, oneLine } from "../text.ts";
import { dagDrawing } from "./dag.ts";
import { markup, Markup, NOTHING } from "./markup.ts";
import { fieldList, phaseMark, stepSection } from "./step.ts";
import { STYLE } from "./style.ts";
import { plainTable } from "./table.ts";
import { timelineDrawing } from "./timeline.ts";

/** What every page begins with, and by which one is recognised. Never changed, so that pages of other releases are. */
export const BEGINNING = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="generator" content="sparkwright report">
`;

/** What is shown of a run beside its sheet. */
export interface ReportSurroundings extends Omit<Surroundings, "paint"> {
  /** Dataset → version that the run read from outside or wrote. */
  data: Record<string, DataVersion>;
}

/** The page. What a browser may load for it is forbidden in the page itself. */
export function reportPage(run: RunSheet, report: ReportSurroundings): string {
  const around = { ...report, paint: noPaint };
  const phase = phaseOf(run);
  // Name and phase are the heading, and an age would be wrong as soon as the page is kept.
  const fields = runFields(run, report.now, noPaint)
    .filter(([name]) => name !== "Run" && name !== "Phase")
    .map(([name, value]): [string, string] => [name, name === "Created" ? timestamp(run.createdAt) : value]);
  const failures = failedSteps(run).map((row) => failureText(run, row, around));
  const steps = stepRows(run).map((row) => stepSection(run, row, around));
  return `${BEGINNING}${
    markup`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${run.name} ${phase}</title>
<style>
${new Markup(STYLE)}</style>
</head>
<body>
<main>
<h1>${run.name} ${phaseMark(phase)}</h1>
${fieldList(fields)}${section(
      "What failed",
      failures.length === 0
        ? NOTHING
        : markup`<pre class="failure">${failures.join("\n")}</pre>
`,
    )}${section("Next", commands(run, report))}${section("Steps", dagDrawing(run, report.now))}${section("Timeline", timelineDrawing(run, report.now))}${section("Datasets", dataTable(run, report.data))}${section("Results", markup`${steps}`)}</main>
<footer>Made by sparkwright report at ${timestamp(report.now)}. Times are UTC.</footer>
</body>
</html>
`.text
  }`;
}

function section(title: string, body: Markup): Markup {
  return body.text === ""
    ? NOTHING
    : markup`<h2>${title}</h2>
${body}`;
}

function commands(run: RunSheet, { suffix }: ReportSurroundings): Markup {
  const lines = nextCommands(run, suffix).map((command) => `${oneLine(command)}\n`);
  return lines.length === 0
    ? NOTHING
    : markup`<pre>${lines.join("")}</pre>
`;
}

function dataTable(run: RunSheet, data: Record<string, DataVersion>): Markup {
  const kept = new Map(stepRows(run).flatMap(({ status }) => Object.entries(status.unpublished ?? {})));
  const rows = Object.entries(data).map(([dataset, { version, from, rows }]) => [
    dataset,
    version,
    rows === undefined ? "" : figure(rows),
    from === "outside" || from === "before"
      ? `read, from ${from === "outside" ? "outside" : "an earlier run"}`
      : `written by ${from}`,
    kept.has(dataset) ? `not what readers see: ${oneLine(kept.get(dataset) ?? "")}` : "",
  ]);
  const hasNotes = rows.some((row) => row[4] !== "");
  const columns = ["Dataset", "Version", "Rows", "In this run", ...(hasNotes ? ["Note"] : [])];
  return plainTable(
    columns,
    rows.map((row) => row.slice(0, columns.length)),
  );
}
