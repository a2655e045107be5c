/** @module `cancel RUN`: stops it and waits until nothing of it runs any more. */
import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import { backendOf } from "../backends/index.ts";
import { ConflictError, RejectedError } from "../errors.ts";
import { drive } from "../runner/drive.ts";
import { placeFlags, type PlaceFlags } from "./flags.ts";
import { type Found, openRun, targetOf } from "./runs.ts";
import { machineFor } from "./specs.ts";
import type { Terminal } from "./terminal.ts";

const EVERY_MS = 200;

export function declare(command: Command, terminal: Terminal): void {
  placeFlags(command)
    .argument("<run>", "run (name, unique prefix or @latest)")
    .action(async (name: string, flags: PlaceFlags) => {
      const found = await openRun(flags, name, terminal);
      const { store, record } = found;
      const phase = await phaseNow(found);
      if (phase !== "Running") throw new RejectedError(`Cannot cancel ${record.name}: it is over (${phase})`);
      await store.requestCancel(record.name);
      terminal.out(`${record.name} ${await untilOver(found, terminal)}\n`);
    });
}

/** Whoever drives the run ends it; when nobody does, we drive it to its end. */
async function untilOver(found: Found, terminal: Terminal): Promise<string> {
  for (;;) {
    const phase = await phaseNow(found);
    if (phase !== "Running") return phase;
    if ((await found.store.driverOf(found.record.name)) === undefined) await driveToEnd(found, terminal);
    else await delay(EVERY_MS);
  }
}

async function driveToEnd(found: Found, terminal: Terminal): Promise<void> {
  const { store, record } = found;
  const target = targetOf(found);
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

async function phaseNow({ store, record }: Found): Promise<string> {
  return (await store.readStatus(record.name))?.phase ?? "Running";
}
