/** @module `logs RUN [STEP]`: what the driver of a step printed, also while it runs. */
import type { Command } from "commander";
import { backendOf } from "../backends/index.ts";
import { RejectedError } from "../errors.ts";
import { harmless } from "../report/text.ts";
import { stepRows, type RunSheet, type StepRow } from "../report/run.ts";
import { appOf } from "../runner/crew.ts";
import { storeFlag, storeSuffix, wholeNumber, type StoreFlag } from "./flags.ts";
import { findRun, findStep, openStore, sheetOf } from "./runs.ts";
import type { Terminal } from "./terminal.ts";

type Flags = StoreFlag & { follow?: boolean; attempt?: number; tail?: number };

export function declare(command: Command, terminal: Terminal): void {
  storeFlag(command)
    .argument("<run>", "run (name, unique prefix or @latest)")
    .argument("[step]", "step; default: the one that runs, else the first that failed, else the last")
    .option("-f, --follow", "go on until the attempt ends")
    .option("--attempt <number>", "attempt; default: the newest", wholeNumber)
    .option("--tail <lines>", "only the last lines", wholeNumber)
    .action(async (name: string, step: string | undefined, flags: Flags) => {
      const store = openStore(flags, terminal);
      const record = await findRun(store, name, terminal);
      const run = await sheetOf(store, record);
      if (run.status === undefined) throw new RejectedError(`Cannot show a log of ${run.name}: it has not begun`);
      const row = step === undefined ? mostTelling(run) : findStep(run, step);
      const attempt = attemptOf(run, row, flags.attempt, storeSuffix(store.root, terminal));
      const app = await appOf({ record, store }, run.status, row.step, attempt);
      const { follow = false, tail } = flags;
      for await (const line of backendOf(record.plan.target.spec).logs(
        app,
        { follow, ...(tail === undefined ? {} : { tail }) },
        terminal.gone,
      )) {
        terminal.out(`${harmless(line)}\n`);
      }
    });
}

function mostTelling(run: RunSheet): StepRow {
  const rows = stepRows(run).filter((row) => row.status.attempts.length > 0);
  const row =
    rows.find(({ status }) => status.phase === "Running") ??
    rows.find(({ status }) => status.phase === "Failed") ??
    rows.at(-1);
  if (row === undefined) throw new RejectedError(`Cannot show a log of ${run.name}: no step of it has run`);
  return row;
}

function attemptOf(run: RunSheet, { step, status }: StepRow, asked: number | undefined, suffix: string): number {
  const numbers = status.attempts.map((attempt) => attempt.number);
  const last = numbers.at(-1);
  const refuse = (why: string, remedy?: string) =>
    new RejectedError(
      `Cannot show the log of ${step.name} in ${run.name}: ${why}`,
      remedy === undefined ? {} : { remedy },
    );
  if (last === undefined) {
    const from = status.cachedFrom;
    if (from === undefined) throw refuse(`it has not run (${status.phase})`);
    throw refuse(`an earlier execution stands for it`, `sparkwright logs ${from.run} ${step.name}${suffix}`);
  }
  if (asked !== undefined && !numbers.includes(asked))
    throw refuse(`there is no attempt ${asked}; it has ${numbers.join(", ")}`);
  return asked ?? last;
}
