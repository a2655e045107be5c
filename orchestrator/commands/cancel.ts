/** @module `cancel RUN`: stops it and waits until nothing of it runs any more. */
import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import { backendOf } from "../backends/index.ts";
import { ConflictError, RejectedError } from "../errors.ts";
import { drive } from "../runner/drive.ts";
import type { FolderStore } from "../storage/folder.ts";
import type { RunRecord } from "../storage/store.ts";
import { storeFlag, type StoreFlag } from "./flags.ts";
import { findRun, openStore } from "./runs.ts";
import { machineFor } from "./specs.ts";
import type { Terminal } from "./terminal.ts";

const EVERY_MS = 200;

export function declare(command: Command, terminal: Terminal): void {
  storeFlag(command)
    .argument("<run>", "run (name, unique prefix or @latest)")
    .action(async (name: string, flags: StoreFlag) => {
      const store = openStore(flags, terminal);
      const record = await findRun(store, name, terminal);
      const phase = await phaseNow(store, record);
      if (phase !== "Running") throw new RejectedError(`Cannot cancel ${record.name}: it is over (${phase})`);
      await store.requestCancel(record.name);
      terminal.out(`${record.name} ${await untilOver(store, record, terminal)}\n`);
    });
}

/** Whoever drives the run ends it; when nobody does, we drive it to its end. */
async function untilOver(store: FolderStore, record: RunRecord, terminal: Terminal): Promise<string> {
  for (;;) {
    const phase = await phaseNow(store, record);
    if (phase !== "Running") return phase;
    if ((await store.driverOf(record.name)) === undefined) await driveToEnd(store, record, terminal);
    else await delay(EVERY_MS);
  }
}

async function driveToEnd(store: FolderStore, record: RunRecord, terminal: Terminal): Promise<void> {
  const target = record.plan.target.spec;
  try {
    await drive(record.name, {
      store,
      backend: backendOf(target),
      environment: await machineFor(target).environment(),
      clock: terminal.now,
    });
  } catch (error) {
    // Somebody else has begun to drive it meanwhile and will find the request.
    if (!(error instanceof ConflictError)) throw error;
  }
}

async function phaseNow(store: FolderStore, { name }: RunRecord): Promise<string> {
  return (await store.readStatus(name))?.phase ?? "Running";
}
