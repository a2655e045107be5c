/** A part of the testbed is a process that outlives the command that starts it, known by pid and start time. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { bearers, identify, isAlive, signalTo, type ProcessIdentity } from "../../orchestrator/process.ts";
import { MissingError } from "../../scripts/missing.mjs";
import { output, say, until } from "./command.ts";
import { MARK, inRun } from "./places.ts";

export interface Part {
  name: string;
  command: string;
  args: string[];
  env?: Record<string, string>;
  cwd?: string;
  /** Files it reads at its start: with other content it has to be started anew. */
  reads: string[];
  /** What it still lacks before others may use it, or undefined when it is ready. */
  missing: () => string | undefined | Promise<string | undefined>;
  readyWithinMs: number;
}

interface Record_ {
  name: string;
  identity: ProcessIdentity;
  digest: string;
}

const END_WITHIN_MS = 15_000;

/**
 * Starts a part unless it runs already as described, and waits until it is ready.
 * @returns whether it was started
 * @throws {MissingError} it ended or is not ready in time; carries the end of its log
 */
export async function ensure(part: Part): Promise<boolean> {
  const digest = digestOf(part);
  const kept = recordOf(part.name);
  const runs = kept !== undefined && isAlive(kept.identity) && kept.digest === digest;
  if (!runs) {
    await stop(part.name);
    await endStrays(part);
    start(part, digest);
  }
  const lacking = await until(async () => {
    if (!isRunning(part.name)) return "ended";
    return part.missing();
  }, part.readyWithinMs);
  if (lacking === undefined) return !runs;
  throw new MissingError(
    `Cannot start ${part.name}: ${isRunning(part.name) ? `not ready after ${part.readyWithinMs / 1000} s: ${lacking}` : "it ended"}`,
    `${logFile(part.name)} ends with:\n  ${logTail(part.name)}`,
  );
}

/** Ends a part if it runs, and forgets it. A process that has its pid by now is left alone. */
export async function stop(name: string): Promise<boolean> {
  const record = recordOf(name);
  if (record === undefined) return false;
  const ended = (): string | undefined => (isAlive(record.identity) ? "alive" : undefined);
  let stopped = false;
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    if (ended() === undefined) break;
    stopped = signalTo(record.identity.pid, signal) || stopped;
    await until(ended, END_WITHIN_MS);
  }
  if (ended() !== undefined) {
    throw new MissingError(
      `Cannot stop ${name}: process ${record.identity.pid} ignores SIGKILL`,
      "It waits for the kernel; restart the machine if it stays",
    );
  }
  rmSync(recordFile(name), { force: true });
  return stopped;
}

/** Names of the parts that were started and not stopped, running or not. */
export function recorded(): string[] {
  const folder = inRun("parts");
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((file) => basename(file, ".json"));
}

export function isRunning(name: string): boolean {
  const record = recordOf(name);
  return record !== undefined && isAlive(record.identity);
}

/** Process number of a running part. */
export function pidOf(name: string): number | undefined {
  const record = recordOf(name);
  return record !== undefined && isAlive(record.identity) ? record.identity.pid : undefined;
}

export function logFile(name: string): string {
  return inRun("logs", `${name}.log`);
}

function start(part: Part, digest: string): void {
  mkdirSync(inRun("logs"), { recursive: true });
  mkdirSync(inRun("parts"), { recursive: true });
  const log = openSync(logFile(part.name), "a");
  const child = spawn(part.command, part.args, {
    detached: true,
    stdio: ["ignore", log, log],
    cwd: part.cwd ?? inRun(),
    env: { ...process.env, ...part.env, [MARK.variable]: MARK.value },
  });
  closeSync(log);
  child.unref();
  child.once("error", (error) => say(`${part.name}: ${error.message}`));
  const identity = child.pid === undefined ? undefined : identify(child.pid);
  if (identity === undefined) {
    throw new MissingError(
      `Cannot start ${part.name}: ${part.command} does not run`,
      `Look into ${logFile(part.name)}`,
    );
  }
  const record: Record_ = { name: part.name, identity, digest };
  writeFileSync(recordFile(part.name), JSON.stringify(record));
}

/** Ends what an `up` started that was killed before it could write its record: our mark, and the very same program. */
async function endStrays(part: Part): Promise<void> {
  const strays = bearers(MARK.variable, MARK.value).filter((pid) => commandOf(pid).startsWith(`${part.command}\0`));
  for (const pid of strays) signalTo(pid, "SIGKILL");
  await until(() => (strays.some((pid) => identify(pid) !== undefined) ? "alive" : undefined), END_WITHIN_MS);
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return ""; // it has ended
  }
}

function recordOf(name: string): Record_ | undefined {
  try {
    return JSON.parse(readFileSync(recordFile(name), "utf8")) as Record_;
  } catch {
    return undefined; // none, or half written by a command that was killed: then its process counts as a stray
  }
}

function recordFile(name: string): string {
  return inRun("parts", `${name}.json`);
}

function digestOf(part: Part): string {
  const hash = createHash("sha256").update(JSON.stringify([part.command, part.args, part.env ?? {}, part.cwd ?? ""]));
  for (const file of part.reads) hash.update(readFileSync(file));
  return hash.digest("hex");
}

function logTail(name: string): string {
  return output("tail", ["-n", "12", logFile(name)])
    .trimEnd()
    .replaceAll("\n", "\n  ");
}
