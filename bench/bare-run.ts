/** The floor: the very command of an attempt, started by hand, on a params document that differs only in where it writes. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { timed } from "./program.ts";

interface Params {
  outputs: Record<string, { path: string }>;
  work: string;
}

/** Seconds of the bare `spark-submit` in a fresh folder. */
export function bareRun(attempt: string, folder: string): number {
  const { command } = JSON.parse(readFileSync(join(attempt, "started.json"), "utf8")) as { command: string[] };
  const params = JSON.parse(readFileSync(join(attempt, "params.json"), "utf8").replaceAll(attempt, folder)) as Params;
  params.work = join(folder, "work");
  for (const [role, output] of Object.entries(params.outputs)) {
    output.path = join(folder, "data", role);
    mkdirSync(output.path, { recursive: true });
  }
  for (const name of ["work", "scratch"]) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, "params.json"), JSON.stringify(params));
  const [program = "", ...args] = command.map((word) => word.replaceAll(attempt, folder));
  return timed(program, args, folder, environmentOf(program, args)).seconds;
}

/** What the command needs beside PATH: where Spark, Python and the packed modules are. */
function environmentOf(program: string, args: string[]): NodeJS.ProcessEnv {
  const main = args.find((word) => word.endsWith(".py")) ?? "";
  const home = dirname(dirname(program));
  const python = `${home.slice(0, home.indexOf("/lib/python"))}/bin/python`;
  const archive = `${/^.*\/code\/[0-9a-f]+/.exec(main)?.[0] ?? ""}/code.zip`;
  return {
    ...process.env,
    SPARK_HOME: home,
    PYSPARK_PYTHON: python,
    PYSPARK_DRIVER_PYTHON: python,
    PYTHONPATH: archive,
  };
}
