/** @module `run`: makes a run of a pipeline or job and follows it to its end. */
import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import { startDetached } from "../backends/detached.ts";
import type { Plan } from "../plan/plan.ts";
import { format } from "../report/format.ts";
import { runObject } from "../report/run.ts";
import { counted } from "../report/text.ts";
import { startRun } from "../runner/start.ts";
import type { FolderStore } from "../storage/folder.ts";
import type { RunRecord } from "../storage/store.ts";
import { follow } from "./follow.ts";
import { forecastView } from "./plan.ts";
import { select, selectionFlags, type SelectionFlags } from "./selection.ts";
import { machineFor } from "./specs.ts";
import type { Terminal } from "./terminal.ts";

type Flags = SelectionFlags & { runId?: string; dryRun?: boolean; wait: boolean };

export function declare(command: Command, terminal: Terminal): void {
  selectionFlags(command)
    .option("--run-id <name>", "name of the run; the same name and plan again follow the run that is there")
    .option("--dry-run", "show what would run and why, as `plan` does")
    .option("--no-wait", "print the run's name and go on in the background")
    .action(async (definition: string | undefined, flags: Flags) => {
      const print = format(flags.output);
      const { plan, store, from } = await select(definition, flags, terminal);
      if (flags.dryRun === true) return terminal.out(print(await forecastView(store, plan, from, terminal)));
      const record = await start(store, plan, from, flags, terminal);
      terminal.say(`Run ${record.name}: ${counted(plan.steps.length, "step")} on ${plan.target.name}\n`);
      if (flags.wait) return follow(store, record, print, terminal);
      await driveInBackground(store, record);
      terminal.out(
        print({ object: runObject(record), names: [`run/${record.name}`], table: () => `${record.name}\n` }),
      );
    });
}

async function start(
  store: FolderStore,
  plan: Plan,
  from: string | undefined,
  { runId }: Flags,
  terminal: Terminal,
): Promise<RunRecord> {
  const machine = machineFor(plan.target.spec);
  await machine.check();
  return startRun(store, plan, {
    clock: terminal.now,
    packageFolder: machine.packageFolder,
    ...(runId === undefined ? {} : { name: runId }),
    ...(from === undefined ? {} : { from }),
  });
}

const EVERY_MS = 100;

/** Another process of this program drives the run and outlives this one; returns when it has begun. */
async function driveInBackground(store: FolderStore, { name }: RunRecord): Promise<void> {
  const place =
    store.cluster === undefined
      ? ["--store", store.root]
      : [
          "-n",
          store.cluster.namespace,
          ...(store.cluster.context === undefined ? [] : ["--context", store.cluster.context]),
        ];
  const driver = startDetached(["resume", name, ...place]);
  while (!driver.hasEnded() && (await store.driverOf(name)) === undefined) await delay(EVERY_MS);
  driver.release();
}
