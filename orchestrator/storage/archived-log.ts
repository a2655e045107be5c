/** @module The log kept with an attempt's documents: by the entrypoint of our images while the pod lives, else by the driver of the run at the end. */
import { readText } from "./files.ts";
import { joined } from "./layout.ts";

/** Below an attempt's folder the log of its driver, or that of an executor by its number, which Spark counts from 1. */
export function archivePath(attemptFolder: string, executor?: number): string {
  return joined(attemptFolder, executor === undefined ? "driver.log" : `executor-${executor}.log`);
}

/**
 * Lines of a log as the backend has it, or, when it has none (any more), of the one that was kept at `path`. Throws what the backend
 * said when there is neither.
 */
export async function* orArchived(
  live: AsyncIterable<string>,
  path: string,
  tail: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let failure: Error | undefined;
  let any = false;
  try {
    for await (const line of live) {
      any = true;
      yield line;
    }
  } catch (error) {
    signal.throwIfAborted();
    // What was read so far would come a second time.
    if (any || !(error instanceof Error)) throw error;
    failure = error;
  }
  if (any) return;
  const text = await readText(path);
  if (text === undefined && failure !== undefined) throw failure;
  const lines = (text ?? "").split("\n");
  if (lines.at(-1) === "") lines.pop();
  yield* tail === undefined ? lines : lines.slice(Math.max(0, lines.length - tail));
}
