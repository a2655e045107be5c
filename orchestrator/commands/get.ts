/** @module `get`: runs, the steps of one run, or datasets; once, or whenever they change. */
import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import { queueOf } from "../engine/queue.ts";
import { RejectedError } from "../errors.ts";
import { datasetsView } from "../report/datasets.ts";
import { format, type View } from "../report/format.ts";
import { news } from "../report/news.ts";
import { runsView, runView } from "../report/run.ts";
import { isOnCluster, outputFlag, placeFlags, placeSuffix, type PlaceFlags } from "./flags.ts";
import { openPlace, openRun, openStore, sheetOf } from "./runs.ts";
import type { Terminal } from "./terminal.ts";

type Flags = PlaceFlags & { output: string; allNamespaces?: boolean; selector?: string; watch?: boolean };

const EVERY_MS = 500;

export function declare(command: Command, terminal: Terminal): void {
  placeFlags(outputFlag(command))
    .argument("[what]", "runs, datasets, or a run (name, unique prefix or @latest)", "runs")
    .option("-A, --all-namespaces", "runs of all namespaces of the cluster")
    .option("-l, --selector <labels>", "only runs of a cluster with these labels")
    .option("-w, --watch", "go on and print what changes")
    .action(async (what: string, flags: Flags) => {
      const print = format(flags.output);
      const source = await sourceOf(what.replace(/^runs?\//, ""), flags, terminal);
      if (flags.watch !== true) return terminal.out(print(await source.view()));
      let before: View | undefined;
      for await (const _change of source.changes()) {
        const view = await source.view();
        terminal.out(news(view, print(view), before));
        before = view;
      }
    });
}

interface Source {
  view(): Promise<View>;
  /** Yields at once and whenever something may have changed, until the reader has gone. */
  changes(): AsyncGenerator<void>;
}

async function sourceOf(what: string, flags: Flags, terminal: Terminal): Promise<Source> {
  if (what === "datasets" || what === "dataset") return datasets(flags, terminal);
  const isCluster = flags.allNamespaces === true || flags.selector !== undefined || isOnCluster(flags);
  if (what === "runs" || what === "run") return isCluster ? clusterRuns(flags, terminal) : storeRuns(flags, terminal);
  if (flags.allNamespaces === true || flags.selector !== undefined)
    throw new RejectedError("Cannot show one run by --all-namespaces or --selector", {
      remedy: "Name its namespace with -n",
    });
  const { store, record } = await openRun(flags, what, terminal);
  const { now, paint } = terminal;
  const cluster = isCluster ? await openPlace(flags) : undefined;
  return {
    async view() {
      const sheet = await sheetOf(store, record);
      // On one machine a run has places of its own; the runs of a namespace wait for the same ones.
      const own = queueOf([sheet]);
      const others = own.length === 0 ? [] : ((await cluster?.overview({ onProblem: () => undefined })) ?? []);
      return runView({ ...sheet, queue: others.length === 0 ? own : queueOf(others) }, now(), paint);
    },
    changes: () => cluster?.changes(false, terminal.gone) ?? ticks(terminal),
  };
}

/** Runs of a store, newest first. */
function storeRuns(flags: Flags, terminal: Terminal): Source {
  const store = openStore(flags, terminal);
  const { now, paint } = terminal;
  const empty = `No runs in ${store.root}; start one with sparkwright run${placeSuffix(store, terminal)}`;
  return {
    view: async () => {
      const records = (await store.listRuns()).toReversed();
      return runsView(await Promise.all(records.map((record) => sheetOf(store, record))), now(), paint, empty);
    },
    changes: () => ticks(terminal),
  };
}

/** Run objects, newest first. */
async function clusterRuns(flags: Flags, terminal: Terminal): Promise<Source> {
  const cluster = await openPlace(flags);
  const { allNamespaces: all = false, selector } = flags;
  const { now, paint, say, gone } = terminal;
  const empty = `No runs in ${all ? "any namespace" : `namespace ${cluster.namespace}`}`;
  const told = new Set<string>();
  const onProblem = ({ message }: Error) => {
    if (!told.has(message)) say(`${message}\n`);
    told.add(message);
  };
  return {
    view: async () => {
      const runs = await cluster.overview({
        all,
        onProblem,
        ...(selector === undefined ? {} : { labelSelector: selector }),
      });
      return runsView(runs.toReversed(), now(), paint, empty, all);
    },
    changes: () => cluster.changes(all, gone),
  };
}

function datasets(flags: Flags, terminal: Terminal): Source {
  const store = openStore(flags, terminal);
  const empty = `No datasets in ${store.root}`;
  return {
    view: async () =>
      datasetsView(await store.listDatasets(flags.namespace ?? "default"), terminal.now(), terminal.paint, empty),
    changes: () => ticks(terminal),
  };
}

async function* ticks({ gone }: Terminal): AsyncGenerator<void> {
  while (!gone.aborted) {
    yield;
    await delay(EVERY_MS, undefined, { signal: gone }).catch(() => undefined);
  }
}
