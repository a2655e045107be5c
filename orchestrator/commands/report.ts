/** @module `report RUN`: a run as one HTML page, for those who were not there. */
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { RejectedError } from "../errors.ts";
import { BEGINNING, reportPage } from "../report/html/page.ts";
import { disk, machineFiles } from "../storage/disk.ts";
import { dataOf } from "./compare.ts";
import { surroundingsOf } from "./describe.ts";
import { placeFlags, type PlaceFlags } from "./flags.ts";
import { openRun, sheetOf } from "./runs.ts";
import type { Terminal } from "./terminal.ts";

type Flags = PlaceFlags & { out?: string; force?: boolean };

export function declare(command: Command, terminal: Terminal): void {
  placeFlags(command)
    .argument("<run>", "run (name, unique prefix or @latest)")
    .option("--out <file>", "where to write it, - for standard output (default: RUN.html in this folder)")
    .option("--force", "replace a file that this verb did not write")
    .action(async (name: string, flags: Flags) => {
      const { store, record } = await openRun(flags, name, terminal);
      const run = await sheetOf(store, record);
      const out = flags.out ?? `${run.name}.html`;
      const path = resolve(terminal.cwd, out);
      if (out !== "-") await assertReplaceable(path, flags.force === true);
      const page = reportPage(run, { ...(await surroundingsOf(store, run, terminal)), data: await dataOf(store, run) });
      if (out === "-") return terminal.out(page);
      await write(path, page);
      terminal.out(`${out}\n`);
    });
}

/** Whole or not at all; folders are made. Raises RejectedError when that place cannot be written to. */
async function write(path: string, page: string): Promise<void> {
  try {
    await disk.write(path, page);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new RejectedError(`Cannot write the report to ${path}: ${why}`, {
      remedy: "Name another place with --out FILE, or - for standard output",
      cause: error,
    });
  }
}

/** Raises RejectedError when something stands there that is not a page of this verb. A page is known by how it begins. */
async function assertReplaceable(path: string, force: boolean): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isFile()) {
    throw new RejectedError(`Cannot write the report to ${path}: that is not a file`, {
      remedy: "Name a file with --out FILE, or - for standard output",
    });
  }
  const beginning = await machineFiles.range(path, 0, BEGINNING.length);
  if (force || Buffer.from(beginning).toString() === BEGINNING) return;
  throw new RejectedError(`Cannot write the report to ${path}: a file is there that no report wrote`, {
    remedy: "Name another one with --out FILE, or replace it with --force",
  });
}
