/** @module `get`: runs, the steps of one run, or datasets. */
import type { Command } from "commander";
import { format, type View } from "../report/format.ts";
import { runsView, runView } from "../report/run.ts";
import { datasetsView } from "../report/datasets.ts";
import { outputFlag, storeFlag, storeSuffix, type StoreFlag } from "./flags.ts";
import { findRun, openStore, sheetOf } from "./runs.ts";
import type { Terminal } from "./terminal.ts";

type Flags = StoreFlag & { output: string; namespace: string };

export function declare(command: Command, terminal: Terminal): void {
  storeFlag(outputFlag(command))
    .argument("[what]", "runs, datasets, or a run (name, unique prefix or @latest)", "runs")
    .option("-n, --namespace <name>", "namespace of datasets", "default")
    .action(async (what: string, flags: Flags) => {
      const print = format(flags.output);
      terminal.out(print(await viewOf(what.replace(/^runs?\//, ""), flags, terminal)));
    });
}

async function viewOf(what: string, flags: Flags, terminal: Terminal): Promise<View> {
  const store = openStore(flags, terminal);
  if (what === "datasets" || what === "dataset") {
    return datasetsView(
      await store.listDatasets(flags.namespace),
      terminal.now(),
      terminal.paint,
      `No datasets in ${store.root}`,
    );
  }
  if (what !== "runs" && what !== "run")
    return runView(await sheetOf(store, await findRun(store, what, terminal)), terminal.now(), terminal.paint);
  const records = (await store.listRuns()).toReversed();
  const sheets = await Promise.all(records.map((record) => sheetOf(store, record)));
  const empty = `No runs in ${store.root}; start one with sparkwright run${storeSuffix(store.root, terminal)}`;
  return runsView(sheets, terminal.now(), terminal.paint, empty);
}
