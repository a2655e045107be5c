/** The second retailer, made anew in a folder: its data, its specs and the locked interpreter that made it. */
import { execFile } from "node:child_process";
import { cpSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { lockedPython } from "../../orchestrator/backends/python.ts";

const HERE = import.meta.dirname;
const ROOT = resolve(HERE, "..", "..");

/** Writes `data/` and `specs/` into the folder. The same seed gives the same data. */
export async function makeSecondRetailer(folder: string): Promise<void> {
  await promisify(execFile)(lockedPython(ROOT), [join(HERE, "generate.py"), join(folder, "data"), "--seed", "1"]);
  cpSync(join(HERE, "specs"), join(folder, "specs"), { recursive: true });
}

export type Row = Record<string, string | number | number[] | null>;

const READ = `
import json, sys
from sparkjobs.read import read
found = {name: json.loads(read(name).to_json(orient="records", date_format="iso")) for name in sys.argv[1:]}
print(json.dumps(found))
`;

/** The published rows of datasets of the store in the folder, as an analyst reads them. */
export async function published<Name extends string>(
  folder: string,
  ...datasets: Name[]
): Promise<Record<Name, Row[]>> {
  return JSON.parse(await python(folder, READ, datasets)) as Record<Name, Row[]>;
}

/** What a program of the locked interpreter prints, with the jobs' modules at hand. */
export async function python(folder: string, program: string, words: string[] = []): Promise<string> {
  const env = { ...process.env, PYTHONPATH: join(ROOT, "spark-jobs") };
  const { stdout } = await promisify(execFile)(lockedPython(ROOT), ["-c", program, ...words], {
    cwd: folder,
    env,
    maxBuffer: 1 << 26,
  });
  return stdout;
}
