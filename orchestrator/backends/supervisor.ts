/**
 * @module The process that starts one driver, outlives whoever asked for it, and records how it ended. It reads a `Launch` from
 * stdin, says on stdout who may start (`claimed` or `taken`), and has no other listener or state. It imports next to nothing, so
 * that it starts quickly.
 */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identify } from "../process.ts";
import { clean, type Exit, file, MARKER, SCRATCH, writeOnce } from "./attempt-folder.ts";
import { stopTree } from "./process-tree.ts";

/** What to start, and where its documents go. */
export interface Launch {
  /** Folder of the attempt; also the driver's working directory. */
  folder: string;
  command: string[];
  /** The whole environment of the driver. */
  env: Record<string, string>;
  /** Pause between asking processes to end and killing them. */
  graceMs: number;
}

async function supervise(launch: Launch): Promise<void> {
  const marker = randomUUID();
  // Python keeps sockets in its folder for temporary files, and a socket's path may be no longer than about 100 characters.
  const temporary = mkdtempSync(join(tmpdir(), "sparkwright-"));
  if (!claim(launch, marker, temporary)) {
    rmSync(temporary, { recursive: true });
    say("taken");
    return;
  }

  // The terminal is not ours; being asked to end means ending the driver, and then the end is recorded as any other.
  for (const signal of ["SIGHUP", "SIGINT"] as const) process.on(signal, () => undefined);
  process.on("SIGTERM", () => void stopTree(marker, launch.graceMs).catch(report));
  const driver = start(launch, marker, temporary);
  say("claimed");
  const end = await driver;

  // Whatever the driver left behind may still write to its outputs; the attempt has ended when that is gone too.
  await stopTree(marker, launch.graceMs).catch(report);
  const record = { ...end, endedAt: Date.now() };
  try {
    writeOnce(file.exit(launch.folder), record);
    clean(launch.folder, temporary);
  } catch (error) {
    // Most likely the disk is full, and most likely of our scratch.
    report(error);
    clean(launch.folder, temporary);
    writeOnce(file.exit(launch.folder), record);
  }
}

/** Exclusive, and before anything starts: of two supervisors one goes on, and a claim without a log started nothing. */
function claim(launch: Launch, marker: string, temporary: string): boolean {
  const self = identify(process.pid);
  if (self === undefined) throw new Error("Cannot tell when this process began");
  return writeOnce(file.started(launch.folder), {
    ...self,
    startedAt: Date.now(),
    command: launch.command,
    marker,
    temporary,
  });
}

/** Starts the driver with its output in the log; resolves with its end. What cannot start ends with 127, as in a shell. */
async function start(launch: Launch, marker: string, temporary: string): Promise<Omit<Exit, "endedAt">> {
  const [command = "", ...args] = launch.command;
  try {
    mkdirSync(join(launch.folder, SCRATCH), { recursive: true });
    const log = openSync(file.log(launch.folder), "a", 0o644);
    const env = { ...launch.env, TMPDIR: temporary, [MARKER]: marker };
    const driver = spawn(command, args, { cwd: launch.folder, env, stdio: ["ignore", log, log] });
    closeSync(log);
    return await new Promise((resolve, reject) => {
      driver.once("error", (error) => driver.pid === undefined && reject(error));
      driver.once("exit", (exitCode, signal) => resolve(signal === null ? { exitCode: exitCode ?? 1 } : { signal }));
    });
  } catch (error) {
    return {
      exitCode: 127,
      error: `Cannot start ${command}: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}

/** Tells the submitter, who may be gone. */
function say(word: string): void {
  try {
    writeSync(1, `${word}\n`);
  } catch {
    // Nobody listens any more; the documents tell the same.
  }
}

function report(error: unknown): void {
  say(`error ${error instanceof Error ? error.message : String(error)}`);
}

/** What to start, or undefined when the submitter died while it told: then nothing was claimed and nothing starts. */
function readLaunch(): Launch | undefined {
  try {
    return JSON.parse(readFileSync(0, "utf8")) as Launch;
  } catch {
    return undefined;
  }
}

const launch = readLaunch();
// Files of a job must stay readable to their owner whatever umask the terminal had.
process.umask(process.umask() & 0o077);
if (launch !== undefined) {
  supervise(launch).catch((error: unknown) => {
    report(error);
    process.exitCode = 1;
  });
}
