/** The program under measurement, started the way a user starts it: the bundle on its own Node. */
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";

export const ROOT = resolve(import.meta.dirname, "..");
const BUNDLE = resolve(ROOT, "dist/cli.cjs");

export interface Outcome {
  seconds: number;
  stdout: string;
}

/** Runs `sparkwright ARGS` in a folder and takes the time. Throws with its last words when it fails. */
export function sparkwright(args: string[], cwd: string = ROOT, env: NodeJS.ProcessEnv = process.env): Outcome {
  return timed(process.execPath, [BUNDLE, ...args], cwd, env);
}

/** Runs a program to its end and takes the time. Throws with its last words when it fails. */
export function timed(command: string, args: string[], cwd: string, env: NodeJS.ProcessEnv = process.env): Outcome {
  const began = performance.now();
  const { status, signal, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 256 * 1024 * 1024,
  });
  const seconds = (performance.now() - began) / 1000;
  if (error !== undefined) throw error;
  if (status !== 0) {
    const words = stderr.trimEnd().split("\n").slice(-20).join("\n");
    throw new Error(
      `Cannot measure: ${[command, ...args].join(" ")} ended with ${signal ?? `exit code ${status}`}\n${words}`,
    );
  }
  return { seconds, stdout };
}
