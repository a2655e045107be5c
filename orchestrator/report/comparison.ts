/** @module `runs compare`: what differs between two runs, for reading and as an object. */
import { timestamp } from "../clock.ts";
import type { Comparison } from "../compare/comparison.ts";
import type { Json } from "../json.ts";
import { API_VERSION } from "../kinds/fields.ts";
import {
  codeText,
  dataTable,
  diffText,
  metricsText,
  settingsTable,
  stepsTable,
  timeText,
  type Compared,
} from "./comparison-sections.ts";
import type { View } from "./format.ts";
import { phaseOf, type RunSheet } from "./run.ts";
import { table, type Column } from "./table.ts";
import { counted, section } from "./text.ts";

export function comparisonView(compared: Compared): View {
  const { a, b } = compared;
  return {
    object: objectOf(compared),
    names: [`run/${a.name}`, `run/${b.name}`],
    table: (wide) => textOf(compared, wide),
  };
}

function textOf(compared: Compared, wide: boolean): string {
  const { comparison, paint } = compared;
  const { params, settings, data, differs } = comparison;
  const found = [
    section("Parameters", settingsTable("PARAMETER", params, wide, paint), paint),
    section("Settings", settingsTable("SETTING", settings, wide, paint), paint),
    section("Code", codeText(compared), paint),
    compared.diff ? comparison.code.modules.map((row) => diffText(row, paint)).join("\n") : "",
    section("Data", dataTable(data, paint), paint),
    section("Steps", stepsTable(compared), paint),
    section("Metrics", metricsText(compared), paint),
  ];
  const shown = differs ? found : [nothingText(comparison), ...(compared.all ? found.slice(-1) : [])];
  return [headText(compared), ...shown].filter((part) => part !== "").join("\n");
}

function headText({ a, b, comparison, now, paint }: Compared): string {
  const rows: [string, (run: RunSheet) => string][] = [
    ["run", (run) => run.name],
    ["definition", (run) => run.plan.definition],
    ["phase", phaseOf],
    ["target", (run) => run.plan.target.name],
    ["created", (run) => timestamp(run.createdAt)],
    ["time", (run) => timeText(run.status ?? {}, now)],
    ["from", (run) => run.from ?? ""],
  ];
  const shown = rows.filter(([, of]) => of(a) !== "" || of(b) !== "");
  const columns: Column<(typeof rows)[number]>[] = [
    { title: "", value: ([name]) => name },
    { title: "A", value: ([, of]) => of(a) },
    { title: "B", value: ([, of]) => of(b) || "-" },
  ];
  const steps = comparison.steps.filter((step) => step.in === "both").length;
  const note = comparison.samePipeline
    ? ""
    : `\nThese are runs of different definitions; compared is what they share: ${counted(steps, "step")}\n`;
  return `${table(columns, shown, { paint })}${note}`;
}

function nothingText({ steps, data }: Comparison): string {
  const metrics = steps.flatMap((step) => step.metrics ?? []).length;
  return `Nothing differs: ${counted(steps.length, "step")}, ${counted(data.length, "dataset")} and ${counted(metrics, "metric")} are the same\n`;
}

function objectOf({ a, b, comparison, all }: Compared): Json {
  const { differs, samePipeline, params, settings, code, data } = comparison;
  const steps = comparison.steps.map(({ metrics, ...step }) => ({
    ...step,
    metrics: metrics?.filter(({ same }) => all || !same),
    equalMetrics: metrics?.filter(({ same }) => same).length,
  }));
  return JSON.parse(
    JSON.stringify({
      apiVersion: API_VERSION,
      kind: "RunComparison",
      differs,
      samePipeline,
      runs: { a: runSummary(a), b: runSummary(b) },
      params,
      settings,
      code,
      data,
      steps,
    }),
  ) as Json;
}

function runSummary(run: RunSheet): object {
  const { startedAt, endedAt, steps = {} } = run.status ?? {};
  return {
    name: run.name,
    definition: run.plan.definition,
    target: run.plan.target.name,
    phase: phaseOf(run),
    createdAt: timestamp(run.createdAt),
    startedAt: startedAt === undefined ? undefined : timestamp(startedAt),
    endedAt: endedAt === undefined ? undefined : timestamp(endedAt),
    from: run.from,
    steps: Object.fromEntries(
      Object.entries(steps).map(([name, { phase, cachedFrom }]) => [name, { phase, cachedFrom: cachedFrom?.run }]),
    ),
  };
}
