/** @module `retry RUN [STEP…]`: new attempts for what did not succeed; what succeeded stays. */
import type { Command } from "commander";
import { format } from "../report/format.ts";
import { retryRun } from "../runner/retry.ts";
import { outputFlag, placeFlags, type PlaceFlags } from "./flags.ts";
import { follow } from "./follow.ts";
import { findStep, openRun, sheetOf, targetOf } from "./runs.ts";
import { machineFor } from "./specs.ts";
import type { Terminal } from "./terminal.ts";

export function declare(command: Command, terminal: Terminal): void {
  placeFlags(outputFlag(command))
    .argument("<run>", "run (name, unique prefix or @latest)")
    .argument("[step...]", "steps; default: all that did not succeed")
    .action(async (name: string, steps: string[], flags: PlaceFlags & { output: string }) => {
      const print = format(flags.output);
      const { store, record } = await openRun(flags, name, terminal);
      const sheet = await sheetOf(store, record);
      for (const step of steps) findStep(sheet, step);
      await machineFor(targetOf({ store, record })).check();
      await retryRun(store, record.name, steps.length === 0 ? {} : { steps });
      await follow(store, record, print, terminal);
    });
}
