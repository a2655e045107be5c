/**
 * @module Runs applications on this machine: `spark-submit --master local[…]` under a supervisor (`supervisor.ts`) that outlives
 * the caller. All state lies in the attempt's folder, so any process can ask about, follow or end any attempt. The folder must
 * be on this machine: another one would take its processes for dead.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ConflictError, RejectedError, UnavailableError } from "../errors.ts";
import { isAlive, signalTo } from "../process.ts";
import type { SparkApp } from "../spark-app.ts";
import { clean, file, readClaim, type Started, writeOnce } from "./attempt-folder.ts";
import { observe } from "./attempt-observation.ts";
import type { Backend, LogOptions, WithLogs } from "./backend.ts";
import { linesOf } from "./driver-log.ts";
import { stopTree } from "./process-tree.ts";
import { checkJava, findSpark, lockedPython, needsBytecodeFolder } from "./python.ts";
import { sparkSubmit } from "./spark-submit.ts";
import type { Launch } from "./supervisor.ts";

export interface LocalOptions {
  /** Folder that holds spark-jobs/ and .cache/; default: where this program lies. */
  packageRoot?: string;
  /** Environment of the caller; an allow-list of it reaches the driver. */
  environment?: NodeJS.ProcessEnv;
  /** Pause between asking processes to end and killing them. Default 10 s, which Spark needs to end in order. */
  graceMs?: number;
  /** What to run in place of spark-submit, with its environment. */
  launch?: (app: SparkApp) => { command: string[]; env: Record<string, string> };
}

const POLL_MS = 50;

/** Variables a driver may inherit: what finds programs, files and words; nothing that carries a secret. */
const INHERITED =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|JAVA_HOME|JDK_JAVA_OPTIONS|LD_LIBRARY_PATH|OMP_NUM_THREADS)$/;

export function localBackend(options: LocalOptions = {}): Backend & WithLogs {
  const graceMs = options.graceMs ?? 10_000;
  const environment = inherited(options.environment ?? process.env);

  return {
    name: "local",

    render: sparkSubmit,

    async submit(app, signal) {
      signal.throwIfAborted();
      if (app.prefix.includes("://"))
        throw new RejectedError(`Cannot start ${app.name} on this machine: its store is ${app.prefix}`, {
          remedy: "Give a target of the local backend a folder as storage root",
        });
      if (isStarted(app)) return;
      const { command, env } = options.launch?.(app) ?? (await sparkLaunch(app, options, environment, signal));
      await startSupervisor(app, { folder: app.prefix, command, env, graceMs });
      isStarted(app);
    },

    async observe(app, signal) {
      signal.throwIfAborted();
      return observe(app.prefix);
    },

    async remove(app, signal) {
      if (!existsSync(app.prefix)) return;
      // Whoever is about to start it must find the attempt taken.
      if (writeOnce(file.started(app.prefix), { withdrawnAt: Date.now() })) return;
      const claim = readClaim(app.prefix);
      if (claim === undefined || "withdrawnAt" in claim) return;
      await stopSupervisor(claim, graceMs, signal);
      await stopTree(claim.marker, graceMs);
      clean(app.prefix, claim.temporary);
    },

    logs(app, { follow, tail }: LogOptions, signal) {
      const ended = () => observe(app.prefix)?.phase === "Ended";
      return linesOf(file.log(app.prefix), { follow, tail, ended }, signal);
    },
  };
}

/** Whether a supervisor has claimed the application. Throws ConflictError when it was removed before that: it will never start. */
function isStarted(app: SparkApp): boolean {
  const claim = readClaim(app.prefix);
  if (claim !== undefined && "withdrawnAt" in claim)
    throw new ConflictError(`Cannot start ${app.name}: it was removed before it started`);
  return claim !== undefined;
}

/** Asks the supervisor to end its driver and itself, and kills it when it does not. */
async function stopSupervisor(claim: Started, graceMs: number, signal: AbortSignal): Promise<void> {
  if (isAlive(claim)) signalTo(claim.pid, "SIGTERM");
  // It kills its driver after the grace period, then needs a moment to record that.
  const patience = performance.now() + graceMs + 5000;
  while (isAlive(claim)) {
    if (performance.now() > patience) signalTo(claim.pid, "SIGKILL");
    await delay(POLL_MS, undefined, { signal });
  }
}

function inherited(environment: NodeJS.ProcessEnv): Record<string, string> {
  const kept = Object.entries(environment).filter(
    ([key, value]) => INHERITED.test(key) && value !== undefined && value !== "",
  );
  return Object.fromEntries(kept) as Record<string, string>;
}

/** The command with this machine's programs filled in. Throws RejectedError when Python, PySpark or Java are missing or too old. */
async function sparkLaunch(
  app: SparkApp,
  options: LocalOptions,
  environment: Record<string, string>,
  signal: AbortSignal,
): Promise<Pick<Launch, "command" | "env">> {
  const root = options.packageRoot ?? packageRoot();
  const python = app.target.python ?? lockedPython(root);
  const [spark] = await Promise.all([
    findSpark(python, app.target.sparkVersion, environment, signal),
    checkJava(environment, signal),
  ]);
  const { command, env } = sparkSubmit(app);
  return {
    command: [join(spark.home, "bin", "spark-submit"), ...command.slice(1)],
    env: {
      ...environment,
      ...env,
      SPARK_HOME: spark.home,
      PYSPARK_PYTHON: spark.python,
      PYSPARK_DRIVER_PYTHON: spark.python,
      ...(needsBytecodeFolder(spark.home) ? { PYTHONPYCACHEPREFIX: join(root, ".cache", "bytecode") } : {}),
    },
  };
}

/** From source this file is in orchestrator/backends, bundled in dist. */
function packageRoot(): string {
  return existsSync(join(import.meta.dirname, "supervisor.ts"))
    ? join(import.meta.dirname, "..", "..")
    : join(import.meta.dirname, "..");
}

/** Starts a supervisor in a session of its own and waits until it, or another one, has claimed the attempt. */
async function startSupervisor(app: SparkApp, launch: Launch): Promise<void> {
  const source = join(import.meta.dirname, "supervisor.ts");
  const program = existsSync(source) ? source : join(import.meta.dirname, "supervisor.cjs");
  try {
    mkdirSync(launch.folder, { recursive: true });
  } catch (error) {
    throw cannotStart(app, String(error));
  }
  const child = spawn(process.execPath, [program], { cwd: "/", env: launch.env, detached: true, stdio: "pipe" });
  const said = await new Promise<string>((resolve, reject) => {
    let words = "";
    const hear = (chunk: Buffer) => {
      words += chunk.toString();
      if (/^(claimed|taken|error .*)$/m.test(words)) resolve(words);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.once("error", reject);
    child.once("close", () => resolve(words));
    // When it died before it read what to start, the exit says so.
    child.stdin.on("error", () => undefined);
    child.stdin.end(JSON.stringify(launch));
  }).finally(() => {
    child.stdout.destroy();
    child.stderr.destroy();
    child.unref();
  });
  if (!/^(claimed|taken)$/m.test(said))
    throw cannotStart(app, said.replace(/^error /m, "").trim() || "its supervisor died");
}

/** A folder that cannot be written is the user's to mend; anything else may pass. */
function cannotStart(app: SparkApp, why: string): Error {
  const message = `Cannot start ${app.name} in ${app.prefix}: ${why}`;
  if (/\b(EACCES|EPERM|EROFS)\b/.test(why))
    return new RejectedError(message, { remedy: "Make the storage root writable for this user" });
  if (/\b(ENOSPC|EDQUOT)\b/.test(why))
    return new RejectedError(message, { remedy: "Free space under the storage root" });
  return new UnavailableError(message);
}
