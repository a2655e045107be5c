/** @module `describe RUN [STEP]`: all about a run or a step, for reading. */
import type { Command } from "commander";
import { describeRun, describeStep, type Surroundings } from "../report/describe.ts";
import { format } from "../report/format.ts";
import type { StepResult } from "../report/results.ts";
import { runObject, stepRows, type RunSheet } from "../report/run.ts";
import type { FolderStore } from "../storage/folder.ts";
import { outputFlag, placeFlags, placeSuffix, type PlaceFlags } from "./flags.ts";
import { findStep, openRun, sheetOf } from "./runs.ts";
import type { Terminal } from "./terminal.ts";

type Flags = PlaceFlags & { output: string };

export function declare(command: Command, terminal: Terminal): void {
  placeFlags(outputFlag(command))
    .argument("<run>", "run (name, unique prefix or @latest)")
    .argument("[step]", "step of the run")
    .action(async (name: string, step: string | undefined, flags: Flags) => {
      const print = format(flags.output);
      const { store, record } = await openRun(flags, name, terminal);
      const run = await sheetOf(store, record);
      const around = await surroundingsOf(store, run, terminal);
      const text = () =>
        step === undefined ? describeRun(run, around) : describeStep(run, findStep(run, step), around);
      terminal.out(print({ object: runObject(run, around.results), names: [`run/${run.name}`], table: text }));
    });
}

/** What is shown beside a run: results, places of logs, and the store as commands name it. */
export async function surroundingsOf(store: FolderStore, run: RunSheet, terminal: Terminal): Promise<Surroundings> {
  const logs = stepRows(run).flatMap(({ step, status }): [string, string][] => {
    const attempt = status.attempts.at(-1)?.number;
    return attempt === undefined
      ? []
      : [[step.name, `${store.attemptFolder(run.name, step.name, attempt)}/driver.log`]];
  });
  const { now, paint } = terminal;
  return {
    now: now(),
    paint,
    results: await resultsOf(store, run),
    logs: Object.fromEntries(logs),
    suffix: placeSuffix(store, terminal),
  };
}

/** What the committed steps of a run reported, in plan order. */
export async function resultsOf(store: FolderStore, run: RunSheet): Promise<StepResult[]> {
  const { namespace } = run.plan.target.spec;
  const found = stepRows(run).map(async ({ step, status }): Promise<StepResult[]> => {
    if (status.cacheKey === undefined || (status.phase !== "Succeeded" && status.phase !== "Cached")) return [];
    const commit = await store.readCommit(namespace, status.cacheKey);
    return commit === undefined
      ? []
      : [{ step: step.name, metrics: commit.metrics, tables: commit.tables, notes: commit.notes }];
  });
  return (await Promise.all(found)).flat();
}
