/** @module Keeps a driver's log beside the attempt's documents when its image did not: our images do so themselves while they run. */
import { setTimeout as delay } from "node:timers/promises";
import { hasLogs } from "../backends/backend.ts";
import type { SparkApp } from "../spark-app.ts";
import { archivePath } from "../storage/archived-log.ts";
import { filesAt } from "../storage/files.ts";
import type { Crew } from "./crew.ts";

/** Lines that are kept; the entrypoint of our images keeps 4 MiB. */
const MOST_LINES = 20_000;
/** What cannot be had in this time is not waited for: a node may not answer. */
const PATIENCE_MS = 10_000;

/** Best effort: a run ends as it ends, with or without a log. Rejects only when aborted. */
export async function keepLog({ backend, store }: Pick<Crew, "backend" | "store">, app: SparkApp, signal: AbortSignal) {
  if (!hasLogs(backend)) return;
  const soon = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
  const path = archivePath(store.attemptFolder(app.run, app.step, app.attempt));
  const keeping = async () => {
    if ((await filesAt(path).look(path)) !== undefined) return;
    const lines: string[] = [];
    for await (const line of backend.logs(app, { follow: false, tail: MOST_LINES }, soon)) lines.push(`${line}\n`);
    if (lines.length > 0) await store.disk.create(path, lines.join(""));
  };
  const late = delay(PATIENCE_MS, undefined, { signal: soon, ref: false }).catch(() => undefined);
  await Promise.race([keeping().catch(() => undefined), late]);
  signal.throwIfAborted();
}
