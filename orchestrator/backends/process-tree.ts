/** Ends all processes of an attempt. Groups do not do: PySpark's daemon leaves its group and torchrun gives each rank a session. */
import { setTimeout as delay } from "node:timers/promises";
import { UnavailableError } from "../errors.ts";
import { bearers, signalTo } from "../process.ts";
import { MARKER } from "./attempt-folder.ts";

const POLL_MS = 50;
/** How long a killed process may take to vanish; longer means it hangs in the kernel. */
const KILLED_MS = 30_000;

/**
 * Asks every process that bears the marker to end, kills what is left after the grace period and returns when none is left.
 * Throws UnavailableError when even killed ones stay.
 */
export async function stopTree(marker: string, graceMs: number): Promise<void> {
  const graceEnds = performance.now() + graceMs;
  const asked = new Set<number>();
  for (;;) {
    const alive = bearers(MARKER, marker);
    if (alive.length === 0) return;
    const now = performance.now();
    if (now > graceEnds + KILLED_MS) {
      throw new UnavailableError(
        `Cannot stop processes ${alive.join(", ")}: they do not end although they were killed`,
      );
    }
    for (const pid of alive) {
      if (now > graceEnds) signalTo(pid, "SIGKILL");
      else if (!asked.has(pid)) signalTo(pid, "SIGTERM");
      asked.add(pid);
    }
    await delay(POLL_MS);
  }
}
