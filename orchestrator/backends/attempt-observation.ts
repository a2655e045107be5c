/** What the folder of a local attempt and the machine's processes say about it. */
import { existsSync } from "node:fs";
import { bearers, isAlive } from "../process.ts";
import type { Observation } from "../spark-app.ts";
import { file, MARKER, readClaim, readDocument, readExit } from "./attempt-folder.ts";
import { lastLines } from "./driver-log.ts";
import { progressOf, Termination } from "./termination.ts";

/** Lines of the log that go with a bad end. */
const LOG_TAIL = 200;

/**
 * What is there now; undefined when nobody has claimed the attempt, or it was removed before. An end that nobody saw has
 * neither exit code nor signal, and `where` tells whether a driver had been started at all.
 */
export function observe(folder: string): Observation | undefined {
  const claim = readClaim(folder);
  if (claim === undefined || "withdrawnAt" in claim) return undefined;

  // In this order: a supervisor that is gone has recorded the end before, if ever.
  const alive = isAlive(claim);
  const exit = readExit(folder);
  const seen = { startedAt: claim.startedAt, ...documents(folder), where: `pid ${claim.pid}` };
  if (exit !== undefined) {
    const { error, ...end } = exit;
    const bad = exit.exitCode !== 0;
    const words = [...(bad ? lastLines(file.log(folder), LOG_TAIL) : []), ...(error === undefined ? [] : [error])];
    return { phase: "Ended", ...seen, ...end, ...(words.length === 0 ? {} : { logTail: words.join("\n") }) };
  }
  // The log is opened just before the driver starts.
  const driverStarted = existsSync(file.log(folder));
  if (alive) return { phase: driverStarted ? "Running" : "Submitted", ...seen };
  const orphans = bearers(MARKER, claim.marker);
  if (orphans.length > 0)
    return { phase: "Running", ...seen, where: `pids ${orphans.join(", ")}, whose supervisor ${claim.pid} is gone` };
  if (!driverStarted)
    return { phase: "Ended", ...seen, where: `pid ${claim.pid}, which was gone before it started the driver` };
  const logTail = lastLines(file.log(folder), LOG_TAIL).join("\n");
  return { phase: "Ended", ...seen, logTail, where: `pid ${claim.pid}, which was gone before it saw the driver end` };
}

/** The job's own documents; one that is not as agreed is passed over. */
function documents(folder: string): Pick<Observation, "progress" | "termination"> {
  const progress = progressOf(readDocument(file.progress(folder)));
  const termination = Termination.safeParse(readDocument(file.termination(folder))).data;
  return { ...(progress && { progress }), ...(termination && { termination }) } as Pick<
    Observation,
    "progress" | "termination"
  >;
}
