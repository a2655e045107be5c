/** @module `delete RUN…`: the record goes, published data stays. */
import type { Command } from "commander";
import { placeFlags, type PlaceFlags } from "./flags.ts";
import { openRun } from "./runs.ts";
import type { Terminal } from "./terminal.ts";

export function declare(command: Command, terminal: Terminal): void {
  placeFlags(command)
    .argument("<run...>", "runs (name, unique prefix or @latest)")
    .action(async (names: string[], flags: PlaceFlags) => {
      for (const name of names) {
        const { store, record } = await openRun(flags, name, terminal);
        await store.deleteRun(record.name);
        terminal.out(`${record.name} deleted\n`);
      }
    });
}
