/** The documents a local attempt leaves in its folder besides the job's own: who started it, and how it ended. */
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, unlinkSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ProcessIdentity } from "../process.ts";

/** Variable by which every process of an attempt is known, whichever parent, group or session it moves to. */
export const MARKER = "SPARKWRIGHT_ATTEMPT";

/** Name of Spark's scratch folder below the attempt's. */
export const SCRATCH = "scratch";

/** The claim of the supervisor that may start the driver; identity, command and what to clean when it cannot do so itself. */
export interface Started extends ProcessIdentity {
  startedAt: number;
  command: string[];
  /** Value of MARKER. */
  marker: string;
  /** The driver's folder for temporary files; goes when the driver has ended. */
  temporary: string;
}

/** A claim that keeps an attempt from ever starting, because it was removed first. */
export interface Withdrawn {
  withdrawnAt: number;
}

export interface Exit {
  exitCode?: number;
  signal?: string;
  /** Why there was nothing to start. */
  error?: string;
  endedAt: number;
}

export const file = {
  started: (folder: string) => join(folder, "started.json"),
  exit: (folder: string) => join(folder, "exit.json"),
  log: (folder: string) => join(folder, "driver.log"),
  progress: (folder: string) => join(folder, "progress.json"),
  termination: (folder: string) => join(folder, "termination.json"),
};

/**
 * Creates a document whole, or does nothing when there is one already; tells which. Atomic also between processes: the text
 * is complete and on disk before it gets its name, and giving a name fails when it is taken.
 */
export function writeOnce(path: string, document: Started | Withdrawn | Exit): boolean {
  const draft = `${path}.${process.pid}.draft`;
  const handle = openSync(draft, "w", 0o644);
  try {
    writeSync(handle, `${JSON.stringify(document, undefined, 2)}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    unlinkSync(draft);
  }
  syncFolder(dirname(path));
  return true;
}

export function readClaim(folder: string): Started | Withdrawn | undefined {
  return readDocument(file.started(folder)) as Started | Withdrawn | undefined;
}

export function readExit(folder: string): Exit | undefined {
  return readDocument(file.exit(folder)) as Exit | undefined;
}

/** A JSON document, or undefined when there is none. A text that is no JSON counts as none: it says nothing. */
export function readDocument(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (error instanceof SyntaxError || code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

/** Removes what the driver needed only while it ran. */
export function clean(folder: string, temporary: string): void {
  for (const path of [temporary, join(folder, SCRATCH)]) rmSync(path, { recursive: true, force: true });
}

/** A name is only durable once its folder is on disk. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
