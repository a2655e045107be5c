/** @module `logs RUN [STEP]`: what the driver of a step printed, also while it runs. */
import { Option, type Command } from "commander";
import { backendOf } from "../backends/index.ts";
import { RejectedError } from "../errors.ts";
import { harmless } from "../report/text.ts";
import { stepRows, type RunSheet, type StepRow } from "../report/run.ts";
import { appOf } from "../runner/crew.ts";
import { archivePath, orArchived } from "../storage/archived-log.ts";
import type { RunRecord } from "../storage/store.ts";
import { placeFlags, placeSuffix, type PlaceFlags, wholeNumber } from "./flags.ts";
import { findStep, openRun, sheetOf, targetOf } from "./runs.ts";
import type { Terminal } from "./terminal.ts";

type Flags = PlaceFlags & {
  follow?: boolean;
  attempt?: number;
  tail?: number;
  role: "driver" | "executor";
  index?: number;
};

export function declare(command: Command, terminal: Terminal): void {
  placeFlags(command)
    .argument("<run>", "run (name, unique prefix or @latest)")
    .argument("[step]", "step; default: the one that runs, else the first that failed, else the last")
    .option("-f, --follow", "go on until the attempt ends")
    .option("--attempt <number>", "attempt; default: the newest", wholeNumber)
    .option("--tail <lines>", "only the last lines", wholeNumber)
    .addOption(new Option("--role <role>", "whose log, on a cluster").choices(["driver", "executor"]).default("driver"))
    .option("--index <number>", "which executor, as Spark counts them; default: 1", wholeNumber)
    .action(async (name: string, step: string | undefined, flags: Flags) => {
      const { store, record } = await openRun(flags, name, terminal);
      const run = await sheetOf(store, record);
      if (run.status === undefined) throw new RejectedError(`Cannot show a log of ${run.name}: it has not begun`);
      const row = step === undefined ? mostTelling(run) : findStep(run, step);
      const attempt = attemptOf(run, row, flags.attempt, placeSuffix(store, terminal));
      const app = await appOf({ record, store }, run.status, row.step, attempt);
      const { follow = false, tail } = flags;
      const executor = executorOf(flags, record);
      const options = {
        follow,
        ...(tail === undefined ? {} : { tail }),
        ...(executor === undefined ? {} : { executor }),
      };
      const live = backendOf(targetOf({ store, record })).logs(app, options, terminal.gone);
      const path = archivePath(store.attemptFolder(record.name, row.step.name, attempt), executor);
      for await (const line of orArchived(live, path, tail, terminal.gone)) terminal.out(`${harmless(line)}\n`);
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
    throw refuse(
      `an earlier execution stands for it`,
      `sparkwright logs ${from.run} ${from.step ?? step.name}${suffix}`,
    );
  }
  if (asked !== undefined && !numbers.includes(asked))
    throw refuse(`there is no attempt ${asked}; it has ${numbers.join(", ")}`);
  return asked ?? last;
}

/** Number of the executor asked for; undefined when the driver is. */
function executorOf({ role, index }: Flags, { plan, name }: RunRecord): number | undefined {
  if (role === "driver" && index === undefined) return undefined;
  if (plan.target.spec.backend !== "local") return index ?? 1;
  throw new RejectedError(`Cannot show the log of an executor of ${name}: on one machine the driver does all`);
}
