/** Reads the log of a driver: its last lines, or line by line while it grows. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import { setTimeout as delay } from "node:timers/promises";

const CHUNK = 64 * 1024;
const POLL_MS = 200;

/** The last lines of a file, from its last 64 KiB at most; empty when there is no such file. */
export function lastLines(path: string, count: number): string[] {
  const handle = openOrNothing(path);
  if (handle === undefined) return [];
  try {
    const { size } = fstatSync(handle);
    const from = Math.max(0, size - CHUNK);
    const buffer = Buffer.alloc(size - from);
    const read = readSync(handle, buffer, 0, buffer.length, from);
    const lines = buffer.toString("utf8", 0, read).split("\n");
    if (lines.at(-1) === "") lines.pop();
    return last(lines, count);
  } finally {
    closeSync(handle);
  }
}

export interface Follow {
  /** Whether to wait for more until `ended` says that no more will come. */
  follow: boolean;
  /** Only so many of the lines that are there already. */
  tail?: number | undefined;
  ended: () => boolean;
}

/** Lines of a file without their line ends, the last one also when it lacks its end. Rejects with the signal's reason when aborted. */
export async function* linesOf(
  path: string,
  { follow, tail, ended }: Follow,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let handle: number | undefined;
  let position = 0;
  // Lines wait here until it is known which of them are the last ones; afterwards each is handed out at once.
  let held: string[] | undefined = tail === undefined ? undefined : [];
  let rest = "";
  const decoder = new StringDecoder("utf8");
  const buffer = Buffer.alloc(CHUNK);
  try {
    for (;;) {
      signal.throwIfAborted();
      // Asked before reading: what the driver wrote last is there when it has ended.
      const final = !follow || ended();
      handle ??= openOrNothing(path);
      for (let read = next(); read > 0; read = next()) {
        position += read;
        const lines = (rest + decoder.write(buffer.subarray(0, read))).split("\n");
        rest = lines.pop() ?? "";
        if (held === undefined) yield* lines;
        else held = last([...held, ...lines], tail ?? 0);
      }
      if (held !== undefined) yield* held;
      held = undefined;
      if (final) {
        if (rest !== "") yield rest;
        return;
      }
      await delay(POLL_MS, undefined, { signal });
    }
  } finally {
    if (handle !== undefined) closeSync(handle);
  }

  function next(): number {
    return handle === undefined ? 0 : readSync(handle, buffer, 0, CHUNK, position);
  }
}

function last(lines: string[], count: number): string[] {
  return count === 0 ? [] : lines.slice(-count);
}

function openOrNothing(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
