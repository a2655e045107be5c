/** @module Drives a run in front of a person: live view, Ctrl-C, the closing text. `run`, `retry`, `resume` share it. */
import { backendOf } from "../backends/index.ts";
import type { RunStatus } from "../engine/run-state.ts";
import { InterruptedError, JobFailedError } from "../errors.ts";
import { endingText, type PublishedData } from "../report/ending.ts";
import type { Format } from "../report/format.ts";
import { canvas, changes, frame, type Progress, type Scene } from "../report/live.ts";
import { runObject, type RunSheet } from "../report/run.ts";
import { drive, type DriveOptions } from "../runner/drive.ts";
import type { FolderStore } from "../storage/folder.ts";
import type { RunRecord } from "../storage/store.ts";
import { resultsOf } from "./describe.ts";
import { placeSuffix } from "./flags.ts";
import { targetOf } from "./runs.ts";
import { machineFor } from "./specs.ts";
import type { Terminal } from "./terminal.ts";

/** Longer than an API server takes to come back. */
const PATIENCE_MS = 5 * 60_000;

/** Drives the run to its end and prints how it ended. Raises JobFailedError or InterruptedError when it did not succeed. */
export async function follow(store: FolderStore, record: RunRecord, print: Format, terminal: Terminal): Promise<void> {
  const suffix = placeSuffix(store, terminal);
  const target = targetOf({ store, record });
  const [cancel, leave] = [new AbortController(), new AbortController()];
  const view = openView(record, terminal);
  const left = `Left ${record.name} as it is, its jobs go on. To follow it again: sparkwright resume ${record.name}${suffix}`;
  const stopListening = terminal.onInterrupt(
    () => {
      if (store.cluster !== undefined) return leave.abort(detached(record.name, suffix));
      cancel.abort();
      view.note(`Cancelling ${record.name}; Ctrl-C again leaves it as it is\n`);
    },
    () => `\n${left}\n`,
  );
  let status: RunStatus;
  try {
    const environment = await machineFor(target).environment();
    status = await drive(record.name, {
      store,
      backend: backendOf(target),
      environment,
      clock: terminal.now,
      cancel: cancel.signal,
      leave: leave.signal,
      patienceMs: PATIENCE_MS,
      onTrouble: ({ message }) => view.note(`${message}; waiting for it, jobs go on\n`),
      onChange: view.onChange,
    });
  } finally {
    stopListening();
    view.close();
  }
  await conclude(store, { ...record, status }, print, terminal);
  if (cancel.signal.aborted && status.phase === "Cancelled")
    throw new InterruptedError(`Cancelled ${record.name}; sparkwright retry ${record.name}${suffix} goes on with it`);
  if (status.phase !== "Succeeded") throw new JobFailedError(`Run ${record.name} ended as ${status.phase}`);
}

/** On a cluster the jobs are everybody's: whoever stops watching does not stop them. Without a driver no further step begins. */
function detached(run: string, suffix: string): InterruptedError {
  return new InterruptedError(
    `Detached from ${run}: its jobs go on, its next steps wait for a driver\n` +
      `  go on    sparkwright resume ${run}${suffix}\n` +
      `  look     sparkwright get ${run}${suffix}\n` +
      `  cancel   sparkwright cancel ${run}${suffix}`,
  );
}

async function conclude(store: FolderStore, run: RunSheet, print: Format, terminal: Terminal): Promise<void> {
  const results = await resultsOf(store, run);
  const outcome = {
    run,
    results,
    published: await publishedBy(store, run),
    now: terminal.now(),
    suffix: placeSuffix(store, terminal),
  };
  terminal.out(
    print({
      object: runObject(run, results),
      names: [`run/${run.name}`],
      table: () => endingText(outcome, terminal.paint),
    }),
  );
}

/** The datasets named by the definition, as far as the run has made them. */
async function publishedBy(store: FolderStore, run: RunSheet): Promise<PublishedData[]> {
  const steps = Object.values(run.status?.steps ?? {});
  const found = run.plan.publish.map(async (dataset): Promise<PublishedData[]> => {
    const step = steps.find((one) => one.outputs?.[dataset] !== undefined);
    const version = step?.outputs?.[dataset];
    if (step === undefined || version === undefined) return [];
    const manifest = await store.readManifest(run.plan.target.spec.namespace, dataset, version);
    const unpublished = step.unpublished?.[dataset];
    const path = folderOf(manifest?.files.map((file) => file.path) ?? []);
    return [
      {
        dataset,
        version,
        path,
        ...(manifest?.rows === undefined ? {} : { rows: manifest.rows }),
        ...(unpublished === undefined ? {} : { unpublished }),
      },
    ];
  });
  return (await Promise.all(found)).flat();
}

/** Deepest folder that holds all files. */
function folderOf(paths: string[]): string {
  const [first = "", ...others] = paths.map((path) => path.split("/").slice(0, -1));
  const folder = others.reduce<string[]>(
    (so, path) => so.slice(0, so.findIndex((part, at) => part !== path[at]) >>> 0),
    [...first],
  );
  return folder.join("/");
}

interface View {
  onChange: NonNullable<DriveOptions["onChange"]>;
  note(text: string): void;
  close(): void;
}

/** The live view of a terminal, or plain lines where there is none. */
function openView({ name, plan }: RunRecord, { live, say, paintProgress, now }: Terminal): View {
  const screen = live && canvas(live.write);
  let before: Scene | undefined;
  return {
    onChange({ status, seen }) {
      const progress = Object.entries(status.steps).flatMap(([step, { attempts }]): [string, Progress][] => {
        const last = attempts.at(-1);
        const found = last === undefined ? undefined : seen[last.application]?.progress;
        return found === undefined ? [] : [[step, found]];
      });
      const scene: Scene = { name, plan, status, now: now(), progress: Object.fromEntries(progress) };
      if (screen === undefined) for (const line of changes(before, scene)) say(`${line}\n`);
      else screen.show(frame(scene, live?.size() ?? { columns: 80, rows: 24 }, paintProgress));
      before = scene;
    },
    note(text) {
      screen?.clear();
      say(text);
    },
    close: () => screen?.clear(),
  };
}
