/** Programs that are run to their end: what they print, or an error that says what they said. */
import { spawnSync } from "node:child_process";
import { MissingError } from "../../scripts/missing.mjs";

interface Options {
  input?: string;
  env?: Record<string, string>;
  cwd?: string;
}

/**
 * Standard output of a program.
 * @throws {MissingError} it is not there or failed; carries the end of what it wrote to standard error
 */
export function output(command: string, args: string[], options: Options = {}): string {
  const answer = run(command, args, options);
  if (answer.code === 0) return answer.stdout;
  const said = answer.stderr.trim().split("\n").slice(-8).join("\n  ");
  throw new MissingError(
    `Cannot run ${command} ${args.join(" ").slice(0, 200)}: exit code ${answer.code}`,
    said || "It said nothing about why",
  );
}

/** Whether a program ends well; for questions where a failure is an answer. */
export function succeeds(command: string, args: string[], options: Options = {}): boolean {
  return run(command, args, options).code === 0;
}

function run(
  command: string,
  args: string[],
  { input, env, cwd }: Options,
): { code: number; stdout: string; stderr: string } {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: "utf8",
    input: input ?? "",
    env: { ...process.env, ...env },
    maxBuffer: 1 << 28,
    ...(cwd === undefined ? {} : { cwd }),
  });
  return { code: status ?? 1, stdout: stdout ?? "", stderr: error === undefined ? stderr : error.message };
}

/** Waits until `missing` says nothing more, asking again every `everyMs`; gives the last answer when the time is over. */
export async function until(
  missing: () => string | undefined | Promise<string | undefined>,
  withinMs: number,
  everyMs = 100,
): Promise<string | undefined> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const answer = await missing();
    if (answer === undefined || Date.now() >= deadline) return answer;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** Says something about progress on standard error: standard output is for answers. */
export function say(line: string): void {
  process.stderr.write(`testbed: ${line}\n`);
}

/** Runs a phase and says how long it took. */
export async function timed<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  const began = Date.now();
  const result = await work();
  say(`${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  return result;
}
