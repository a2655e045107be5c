/** The second retailer, made anew in a folder: its data, its specs and the locked interpreter that made it. */
import { execFile } from "node:child_process";
import { cpSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { lockedPython } from "../../orchestrator/backends/python.ts";

const HERE = import.meta.dirname;

/** Writes `data/` and `specs/` into the folder. The same seed gives the same data. */
export async function makeSecondRetailer(folder: string): Promise<void> {
  const python = lockedPython(resolve(HERE, "..", ".."));
  await promisify(execFile)(python, [join(HERE, "generate.py"), join(folder, "data"), "--seed", "1"]);
  cpSync(join(HERE, "specs"), join(folder, "specs"), { recursive: true });
}
