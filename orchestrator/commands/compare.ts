/** @module `runs compare A B`: what differs between two runs, and what came of it. */
import type { Command } from "commander";
import type { StepCode } from "../compare/code.ts";
import { compareRuns, type RunFacts } from "../compare/comparison.ts";
import { versionsOf, type DataVersion } from "../compare/data.ts";
import { RejectedError } from "../errors.ts";
import { comparisonView } from "../report/comparison.ts";
import { format } from "../report/format.ts";
import { phaseOf, type RunSheet } from "../report/run.ts";
import { codeContents, findCode } from "../storage/code.ts";
import { inParallel } from "../storage/files.ts";
import type { FolderStore } from "../storage/folder.ts";
import { resultsOf } from "./describe.ts";
import { outputFlag, placeFlags, placeSuffix, type PlaceFlags } from "./flags.ts";
import { openRun, sheetOf } from "./runs.ts";
import type { Terminal } from "./terminal.ts";

type Flags = PlaceFlags & { output: string; all?: boolean; diff?: boolean };

interface Side {
  store: FolderStore;
  run: RunSheet;
}

export function declare(command: Command, terminal: Terminal): void {
  placeFlags(outputFlag(command.command("compare")))
    .description("what differs between two runs: parameters, settings, code, data; and their metrics")
    .argument("<a>", "run (name, unique prefix or @latest)")
    .argument("<b>", "run to compare it with")
    .option("--diff", "show the changed lines of the code")
    .option("--all", "show metrics that are equal, too")
    .action(async (first: string, second: string, flags: Flags) => {
      const print = format(flags.output);
      const [a, b] = [await sideOf(first, flags, terminal), await sideOf(second, flags, terminal)];
      const { all = false, diff = false } = flags;
      const looked = differentCode(a, b);
      const comparison = compareRuns(await factsOf(a, looked, diff), await factsOf(b, looked, diff));
      const { now, paint } = terminal;
      terminal.out(print(comparisonView({ a: a.run, b: b.run, comparison, all, diff, now: now(), paint })));
    });
}

/** The run of that name. Raises as `openRun`, and RejectedError while nothing has come of it yet. */
async function sideOf(name: string, flags: Flags, terminal: Terminal): Promise<Side> {
  const { store, record } = await openRun(flags, name.replace(/^runs?\//, ""), terminal);
  const run = await sheetOf(store, record);
  const phase = phaseOf(run);
  const isOver = run.status !== undefined && run.status.phase !== "Running";
  if (isOver || (await resultsOf(store, run)).length > 0) return { store, run };
  const suffix = placeSuffix(store, terminal);
  throw new RejectedError(`Cannot compare run ${run.name}: it is ${phase} and has no results yet`, {
    remedy: phase === "Running" ? `sparkwright wait ${run.name}${suffix}` : `sparkwright resume ${run.name}${suffix}`,
  });
}

/** Steps of both runs that were given other code. */
function differentCode(a: Side, b: Side): string[] {
  const [mine = {}, other = {}] = [a.run.status?.code, b.run.status?.code];
  return Object.keys(mine).filter((step) => other[step] !== undefined && other[step] !== mine[step]);
}

/** What the store knows of a run; the files of its code only for the steps named, their contents only for `diff`. */
async function factsOf({ store, run }: Side, looked: string[], diff: boolean): Promise<RunFacts> {
  const { name, plan, status } = run;
  const codes = await inParallel(Object.entries(status?.code ?? {}), async ([step, digest]) => {
    const code = looked.includes(step) ? await codeAt(store, digest, diff) : { digest };
    return [step, code] as const;
  });
  const results = await resultsOf(store, run);
  return {
    name,
    plan,
    ...(status === undefined ? {} : { status }),
    code: Object.fromEntries<StepCode>(codes),
    data: await dataOf(store, run),
    metrics: Object.fromEntries(results.map(({ step, metrics }) => [step, metrics])),
  };
}

/** Versions that a run read from outside or wrote, with their rows where those are counted. */
export async function dataOf(store: FolderStore, { plan, status }: RunSheet): Promise<Record<string, DataVersion>> {
  const data = await inParallel(Object.entries(versionsOf(plan, status)), async ([dataset, row]) => {
    const manifest = await store.readManifest(plan.target.spec.namespace, dataset, row.version);
    return [dataset, { ...row, ...(manifest?.rows === undefined ? {} : { rows: manifest.rows }) }] as const;
  });
  return Object.fromEntries<DataVersion>(data);
}

async function codeAt({ layout }: FolderStore, digest: string, diff: boolean): Promise<StepCode> {
  const code = await findCode(layout, digest);
  if (code === undefined) return { digest };
  const contents = diff ? await codeContents(code) : undefined;
  return { digest, files: code.files, ...(contents === undefined ? {} : { contents }) };
}
