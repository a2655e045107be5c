/** @module `resume RUN`: takes over a run whose driver is gone and follows it to its end. */
import type { Command } from "commander";
import { format } from "../report/format.ts";
import { outputFlag, placeFlags, type PlaceFlags } from "./flags.ts";
import { follow } from "./follow.ts";
import { openRun } from "./runs.ts";
import type { Terminal } from "./terminal.ts";

export function declare(command: Command, terminal: Terminal): void {
  placeFlags(outputFlag(command))
    .argument("<run>", "run (name, unique prefix or @latest)")
    .action(async (name: string, flags: PlaceFlags & { output: string }) => {
      const print = format(flags.output);
      const { store, record } = await openRun(flags, name, terminal);
      await follow(store, record, print, terminal);
    });
}
