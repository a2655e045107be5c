/** @module `describe`: all that is known about a run or one of its steps, for reading. */
import { timestamp } from "../clock.ts";
import { failedSteps, failureText } from "./failure.ts";
import { age, duration, percent } from "./measure.ts";
import { resultText, type StepResult } from "./results.ts";
import {
  attemptsAllowed,
  paramsText,
  phaseOf,
  reasonOf,
  stepsTable,
  tookMs,
  toneOf,
  type RunSheet,
  type StepRow,
} from "./run.ts";
import { sweepFields } from "./sweep.ts";
import { oneLine, section, type Paint } from "./text.ts";
import { timeline, timelineText } from "./timeline.ts";

export interface Surroundings {
  now: number;
  paint: Paint;
  /** What the steps reported, by step; steps without a commit are absent. */
  results: StepResult[];
  /** Where the log of the newest attempt lies, by step. */
  logs: Record<string, string>;
  /** What commands need to find the store: ` --store DIR`, or nothing. */
  suffix: string;
}

/** The whole run: what was asked, its steps, the timeline, failures and results. */
export function describeRun(run: RunSheet, around: Surroundings): string {
  const { now, paint } = around;
  const failures = failedSteps(run).map((row) => failureText(run, row, around));
  const results = around.results.map((result) =>
    section(`Results of ${result.step}`, resultText(result, paint), paint),
  );
  return [
    fields(runFields(run, now, paint)),
    section("Steps", stepsTable(run, now, paint), paint),
    section("Timeline", timelineText(run, timeline(run), paint), paint),
    section("Failures", failures.join("\n"), paint),
    ...results,
    section(
      "Next",
      nextCommands(run, around.suffix)
        .map((command) => `${command}\n`)
        .join(""),
      paint,
    ),
  ]
    .filter((part) => part !== "")
    .join("\n");
}

/** One step: its ports with versions, its attempts, its failure or what it reported. */
export function describeStep(run: RunSheet, row: StepRow, around: Surroundings): string {
  const { paint } = around;
  const result = around.results.find((one) => one.step === row.step.name);
  return [
    fields(stepFields(run, row, around)),
    section(
      "Inputs",
      ports(Object.entries(row.step.inputs), (role) => row.status.inputs?.[role]?.version),
      paint,
    ),
    section(
      "Outputs",
      ports(Object.entries(row.step.outputs), (_role, dataset) => row.status.outputs?.[dataset]),
      paint,
    ),
    section("Timeline", timelineText(run, timeline(run, row.step.name), paint), paint),
    section("Failure", failureText(run, row, around), paint),
    result === undefined ? "" : section("Results", resultText(result, paint), paint),
    section("Settings", `${JSON.stringify(row.step.settings, undefined, 2)}\n`, paint),
  ]
    .filter((part) => part !== "")
    .join("\n");
}

/** Commands that make sense now, in the order of their use. */
export function nextCommands(run: RunSheet, suffix: string): string[] {
  return nextVerbs(run).map((words) => `sparkwright ${words}${suffix}`);
}

function nextVerbs(run: RunSheet): string[] {
  const failed = failedSteps(run)[0]?.step.name;
  switch (phaseOf(run)) {
    case "Interrupted":
    case "Created":
      return [`resume ${run.name}`, `cancel ${run.name}`];
    case "Running":
      return [`wait ${run.name}`, `logs ${run.name} -f`, `cancel ${run.name}`];
    case "Failed":
      return [...(failed === undefined ? [] : [`logs ${run.name} ${failed}`]), `retry ${run.name}`];
    case "Cancelled":
      return [`retry ${run.name}`];
    case "Succeeded":
      return ["dataset list"];
  }
}

/** What is known of a run as a whole, as names and values; empty values are not to be shown. */
export function runFields(run: RunSheet, now: number, paint: Paint): [string, string][] {
  const { plan } = run;
  const phase = phaseOf(run);
  const took = tookMs(run.status ?? {}, now);
  return [
    ["Run", run.name],
    ["Definition", plan.definition],
    ["Target", `${plan.target.name} (${plan.target.spec.backend}, namespace ${plan.target.spec.namespace})`],
    ["Phase", paint(toneOf(phase), phase)],
    ["Created", `${timestamp(run.createdAt)} (${age(now - run.createdAt)} ago)`],
    ["Time", took === undefined ? "" : duration(took)],
    ...sweepFields(run, now),
    ["Params", paramsText(plan)],
    [
      "Sample",
      plan.sample === null
        ? ""
        : `${percent(plan.sample.fraction)} of the entities, seed ${plan.sample.seed}: never published`,
    ],
    ["From", run.from ?? ""],
  ];
}

/** As `runFields`, of a step. */
export function stepFields(run: RunSheet, row: StepRow, { now, paint, logs }: Surroundings): [string, string][] {
  const { step, status } = row;
  const took = tookMs(status, now);
  return [
    ["Step", `${step.name} of ${run.name}`],
    ["Kind", step.kind],
    ["Phase", paint(toneOf(status.phase), status.phase)],
    ["Reason", reasonOf(status)],
    ["Time", took === undefined ? "" : duration(took)],
    ["Attempts", `${status.attempts.length} of ${attemptsAllowed(step, status)}`],
    ["Needs", step.needs.join(", ")],
    ["Size", step.size],
    ["Main", `${step.main} in ${step.code}`],
    ["Cache key", status.cacheKey ?? ""],
    ["Log", logs[step.name] ?? ""],
  ];
}

function fields(rows: [string, string][]): string {
  const shown = rows.filter(([, value]) => value !== "");
  const wide = Math.max(...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(wide)}  ${value}\n`).join("");
}

function ports(
  entries: [string, { dataset: string }][],
  version: (role: string, dataset: string) => string | undefined,
): string {
  return entries
    .map(([role, port]) => `${oneLine(role)}: ${port.dataset}@${version(role, port.dataset) ?? "not yet known"}\n`)
    .join("");
}
