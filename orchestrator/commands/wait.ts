/** @module `wait RUN`: until the run is as asked for, or has ended otherwise. */
import { setTimeout as delay } from "node:timers/promises";
import { Option, type Command } from "commander";
import { JobFailedError, RejectedError, TimedOutError } from "../errors.ts";
import { phaseOf } from "../report/run.ts";
import { durationMs, placeFlags, placeSuffix, type PlaceFlags } from "./flags.ts";
import { openRun, sheetOf } from "./runs.ts";
import type { Terminal } from "./terminal.ts";

type Flags = PlaceFlags & { timeout?: string; for: string };

const EVERY_MS = 300;
/** On a cluster another driver may be on its way; a Lease lasts 15 s. */
const WITHOUT_DRIVER_MS = 20_000;

export function declare(command: Command, terminal: Terminal): void {
  placeFlags(command)
    .argument("<run>", "run (name, unique prefix or @latest)")
    .option("--timeout <duration>", "give up after this long, such as 90s or 2h (exit 124)")
    .addOption(
      new Option("--for <phase>", "what to wait for")
        .choices(["succeeded", "failed", "cancelled", "ended"])
        .default("succeeded"),
    )
    .action(async (name: string, flags: Flags) => {
      const limit = flags.timeout === undefined ? Number.POSITIVE_INFINITY : durationMs(flags.timeout);
      const { store, record } = await openRun(flags, name, terminal);
      const patienceMs = store.cluster === undefined ? 0 : WITHOUT_DRIVER_MS;
      const began = performance.now();
      let driven = began;
      for (;;) {
        const phase = phaseOf(await sheetOf(store, record));
        const isIdle = phase === "Interrupted" || phase === "Created";
        if (!isIdle) driven = performance.now();
        if (isIdle && performance.now() - driven >= patienceMs) {
          throw new RejectedError(`Cannot wait for ${record.name}: nobody drives it`, {
            remedy: `sparkwright resume ${record.name}${placeSuffix(store, terminal)}`,
          });
        }
        if (phase !== "Running" && !isIdle) {
          terminal.out(`${record.name} ${phase}\n`);
          if (flags.for === "ended" || phase.toLowerCase() === flags.for) return;
          throw new JobFailedError(
            `Run ${record.name} ended as ${phase}; sparkwright describe ${record.name}${placeSuffix(store, terminal)} tells why`,
          );
        }
        if (performance.now() - began > limit)
          throw new TimedOutError(
            `Cannot wait any longer for ${record.name}: ${flags.timeout} have passed and it is still Running`,
          );
        await delay(EVERY_MS);
      }
    });
}
