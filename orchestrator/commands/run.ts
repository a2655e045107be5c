/** @module `run`: makes a run of a pipeline or job and follows it to its end. */
import { spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import { backendOf } from "../backends/index.ts";
import { parseSample } from "../plan/sample.ts";
import type { Plan } from "../plan/plan.ts";
import { format } from "../report/format.ts";
import { runObject } from "../report/run.ts";
import { startRun } from "../runner/start.ts";
import { openFolder, type FolderStore } from "../storage/folder.ts";
import type { RunRecord } from "../storage/store.ts";
import { collect, listOf, outputFlag, specFlags, storeFlag, storeFolder, type SpecFlags, type StoreFlag } from "./flags.ts";
import { follow } from "./follow.ts";
import { forecastView } from "./plan.ts";
import { machineOf } from "./machine.ts";
import { findRun } from "./runs.ts";
import { planFrom, readSpecs } from "./specs.ts";
import type { Terminal } from "./terminal.ts";

export type SelectionFlags = SpecFlags & StoreFlag & { only?: string[]; from?: string; sample?: string; output: string };
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
      terminal.say(`Run ${record.name}: ${plan.steps.length === 1 ? "1 step" : `${plan.steps.length} steps`} on ${plan.target.name}\n`);
      if (flags.wait) return follow(store, record, print, terminal);
      await driveInBackground(store, record);
      terminal.out(print({ object: runObject(record), names: [`run/${record.name}`], table: () => `${record.name}\n` }));
    });
}

/** What `plan` and `run` have in common. */
export function selectionFlags(command: Command): Command {
  return storeFlag(outputFlag(specFlags(command)))
    .argument("[definition]", "pipeline or job; default: the only pipeline, else the only job")
    .option("--only <steps>", "only these steps, separated by commas; what they read is taken as published", collect)
    .option("--from <run>", "with --only: take what the steps read from this run (name, unique prefix or @latest)")
    .option("--sample <share>", "see only this share of the entities, such as 5%; never published");
}

export interface Selection {
  plan: Plan;
  store: FolderStore;
  from: string | undefined;
}

/** The plan that flags and argument ask for, and the store of its target. */
export async function select(definition: string | undefined, flags: SelectionFlags, terminal: Terminal): Promise<Selection> {
  const documents = readSpecs(flags, terminal);
  const only = listOf(flags.only);
  const asked = {
    ...(definition === undefined ? {} : { definition }),
    ...(only === undefined ? {} : { only }),
    ...(flags.from === undefined ? {} : { fromRun: flags.from }),
    ...(flags.sample === undefined ? {} : { sample: parseSample(flags.sample) }),
  };
  const plan = planFrom(documents, flags, asked);
  // Said before a store is touched: some backends only render.
  backendOf(plan.target.spec);
  const store = openFolder(storeFolder(flags, terminal, plan.target.spec.storage.root));
  const from = flags.from === undefined ? undefined : (await findRun(store, flags.from, terminal)).name;
  return { plan, store, from };
}

async function start(store: FolderStore, plan: Plan, from: string | undefined, { runId }: Flags, terminal: Terminal): Promise<RunRecord> {
  const machine = machineOf(plan.target.spec);
  await machine.check();
  return startRun(store, plan, {
    clock: terminal.now,
    packageFolder: machine.packageFolder,
    ...(runId === undefined ? {} : { name: runId }),
    ...(from === undefined ? {} : { from }),
  });
}

const EVERY_MS = 50;

/** Another process of this program drives the run and outlives this one; returns when it has begun. */
async function driveInBackground(store: FolderStore, { name }: RunRecord): Promise<void> {
  const program = process.argv[1] ?? "";
  const driver = spawn(process.execPath, [program, "resume", name, "--store", store.root], { detached: true, stdio: "ignore" });
  while (driver.exitCode === null && (await store.driverOf(name)) === undefined) await delay(EVERY_MS);
  driver.unref();
}
