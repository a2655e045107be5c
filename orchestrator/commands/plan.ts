/** @module `plan`: what would run and why, without running it. */
import type { Command } from "commander";
import type { Plan } from "../plan/plan.ts";
import { format, type View } from "../report/format.ts";
import { forecastRows } from "../report/forecast.ts";
import type { FolderStore } from "../storage/folder.ts";
import { forecast, paramsNow } from "./forecast.ts";
import { select, selectionFlags, type SelectionFlags } from "./selection.ts";
import { machineFor } from "./specs.ts";
import type { Terminal } from "./terminal.ts";

export function declare(command: Command, terminal: Terminal): void {
  const flagged = selectionFlags(command).option(
    "--params-of <step>",
    "print the params document that this step would get now, for a notebook or a debugger",
  );
  flagged.action(async (definition: string | undefined, flags: SelectionFlags & { paramsOf?: string }) => {
    const print = format(flags.output);
    const { plan, store, from } = await select(definition, flags, terminal);
    if (flags.paramsOf !== undefined) {
      const options = { machine: machineFor(plan.target.spec), now: terminal.now(), from };
      terminal.out(`${JSON.stringify(await paramsNow(store, plan, flags.paramsOf, options), undefined, 2)}\n`);
      return;
    }
    terminal.out(print(await forecastView(store, plan, from, terminal)));
  });
}

/** The forecast of a plan, ready to print. */
export async function forecastView(
  store: FolderStore,
  plan: Plan,
  from: string | undefined,
  terminal: Terminal,
): Promise<View> {
  const steps = await forecast(store, plan, { machine: machineFor(plan.target.spec), now: terminal.now(), from });
  return forecastRows(plan, steps, terminal.paint);
}
