/** @module `delete RUN…`: the record goes, published data stays. */
import type { Command } from "commander";
import { storeFlag, type StoreFlag } from "./flags.ts";
import { findRun, openStore } from "./runs.ts";
import type { Terminal } from "./terminal.ts";

export function declare(command: Command, terminal: Terminal): void {
  storeFlag(command)
    .argument("<run...>", "runs (name, unique prefix or @latest)")
    .action(async (names: string[], flags: StoreFlag) => {
      const store = openStore(flags, terminal);
      for (const name of names) {
        const { name: run } = await findRun(store, name, terminal);
        await store.deleteRun(run);
        terminal.out(`${run} deleted\n`);
      }
    });
}
