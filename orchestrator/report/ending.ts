/** @module What is said at the end of a run: steps, published data, what the jobs want people to know, and what to type next. */
import { nextCommands } from "./describe.ts";
import { failedSteps, failureText } from "./failure.ts";
import { figure } from "./measure.ts";
import { headlines, type StepResult } from "./results.ts";
import { phaseOf, stepsTable, tookMs, toneOf, type RunSheet } from "./run.ts";
import { duration } from "./measure.ts";
import { table } from "./table.ts";
import { section, type Paint } from "./text.ts";

/** A dataset the run leaves to its readers. */
export interface PublishedData {
  dataset: string;
  version: string;
  rows?: number;
  /** Folder or URI of the data. */
  path: string;
  /** Why readers do not see this version, when they do not. */
  unpublished?: string;
}

export interface Outcome {
  run: RunSheet;
  published: PublishedData[];
  results: StepResult[];
  now: number;
  /** ` --store DIR` where commands need it. */
  suffix: string;
}

/** The closing text of `run`, `retry` and `resume`. */
export function endingText({ run, published, results, now, suffix }: Outcome, paint: Paint): string {
  const phase = phaseOf(run);
  const failures = failedSteps(run).map((row) => failureText(run, row, { paint, suffix }));
  const parts = [
    stepsTable(run, now, paint),
    ...results.map((result) => section(result.step, headlines(result, paint), paint)),
    published.length === 0 ? "" : section("Datasets", publishedTable(published, paint), paint),
    failures.length === 0 ? "" : section("Failures", failures.join("\n"), paint),
    `${run.name} ${paint(toneOf(phase), phase)} in ${duration(tookMs(run.status ?? {}, now) ?? 0)}\n`,
    section(
      "Next",
      commandsAfter(run, published, suffix)
        .map((command) => `${command}\n`)
        .join(""),
      paint,
    ),
  ];
  return parts.filter((part) => part !== "").join("\n");
}

/** Three commands at most, the most useful first. */
export function commandsAfter(run: RunSheet, published: PublishedData[], suffix: string): string[] {
  const first = published[0]?.dataset;
  const describe = `sparkwright describe ${run.name}${suffix}`;
  if (phaseOf(run) !== "Succeeded") return [...new Set([...nextCommands(run, suffix), describe])].slice(0, 3);
  return [
    describe,
    ...(first === undefined ? [] : [`sparkwright dataset show ${first}${suffix}`]),
    `sparkwright plan ${run.plan.definition}${suffix}`,
  ];
}

function publishedTable(published: PublishedData[], paint: Paint): string {
  const columns = [
    { title: "DATASET", value: (row: PublishedData) => row.dataset },
    { title: "VERSION", value: (row: PublishedData) => row.version },
    {
      title: "ROWS",
      value: (row: PublishedData) => (row.rows === undefined ? "" : figure(row.rows)),
      align: "right" as const,
    },
    { title: "WHERE", value: (row: PublishedData) => row.path },
  ];
  const kept = published
    .filter((row) => row.unpublished !== undefined)
    .map((row) => `${row.dataset} is not what readers see: ${row.unpublished}\n`);
  return `${table(columns, published, { paint })}${kept.join("")}`;
}
