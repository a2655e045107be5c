/** @module `resume RUN`: takes over a run whose driver is gone and follows it to its end. */
import type { Command } from "commander";
import { format } from "../report/format.ts";
import { outputFlag, storeFlag, type StoreFlag } from "./flags.ts";
import { follow } from "./follow.ts";
import { findRun, openStore } from "./runs.ts";
import type { Terminal } from "./terminal.ts";

export function declare(command: Command, terminal: Terminal): void {
  storeFlag(outputFlag(command))
    .argument("<run>", "run (name, unique prefix or @latest)")
    .action(async (name: string, flags: StoreFlag & { output: string }) => {
      const print = format(flags.output);
      const store = openStore(flags, terminal);
      await follow(store, await findRun(store, name, terminal), print, terminal);
    });
}
