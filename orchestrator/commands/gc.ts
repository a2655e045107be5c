/** @module `gc`: removes what no run and no readable version needs. */
import type { Command } from "commander";
import { format } from "../report/format.ts";
import { garbageView } from "../report/garbage.ts";
import { collectGarbage } from "../storage/garbage.ts";
import { outputFlag, placeFlags, type PlaceFlags, storeFolder, wholeNumber } from "./flags.ts";
import { openPlace, openStore } from "./runs.ts";
import type { Terminal } from "./terminal.ts";

type Flags = PlaceFlags & { output: string; dryRun?: boolean; keep?: number };

export function declare(command: Command, terminal: Terminal): void {
  placeFlags(outputFlag(command))
    .option("--dry-run", "only show what would go")
    .option(
      "--keep <moves>",
      "versions of so many moves of each pointer stay, for rollbacks (default: 10)",
      wholeNumber,
    )
    .action(async (flags: Flags) => {
      const print = format(flags.output);
      const dryRun = flags.dryRun === true;
      const isShared = flags.namespace !== undefined || flags.context !== undefined;
      // Here the flags go together: the data lie in the store, and the cluster knows who needs them.
      const store = isShared
        ? (await openPlace(flags)).storeAt(storeFolder(flags, terminal))
        : openStore(flags, terminal);
      const found = await collectGarbage(store, {
        dryRun,
        now: terminal.now(),
        ...(flags.keep === undefined ? {} : { keepMoves: flags.keep }),
      });
      terminal.out(print(garbageView(found, store.root, dryRun, terminal.paint)));
    });
}
