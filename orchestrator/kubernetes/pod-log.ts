/** @module The log of a container, also while it grows, whatever happens to the connection. */
import { setTimeout as delay } from "node:timers/promises";
import { UnavailableError } from "../errors.ts";
import { networkError } from "./call.ts";
import type { Connection } from "./connection.ts";
import { linesOf } from "./lines.ts";
import { errorOf, isMissingObject } from "./refusal.ts";

export interface LogSource {
  namespace: string;
  pod: string;
  container: string;
  /** Last lines only. */
  tail?: number | undefined;
  follow: boolean;
}

export interface FollowOptions {
  /** Whether no more will come. Asked when a stream ends: a server that restarts ends it too. */
  ended: () => Promise<boolean>;
  /** Breaks in a row, without a line between them, after which it is given up. Default 8. */
  breaks?: number;
  /** Pause after the first of them in ms, doubled each time. Default 250. */
  pauseMs?: number;
  /** Longest silence of a connection that is not followed, in ms. Default 30 s. */
  idleMs?: number;
}

const IDLE_MS = 30_000;
/** A driver may be silent for long; a half-open connection is found out after this. */
const FOLLOW_IDLE_MS = 5 * 60_000;
const LONGEST_PAUSE_MS = 10_000;

/** Where a log was left: lines of the same moment that were read already are told by their number. */
interface Bookmark {
  time: string;
  count: number;
}

/**
 * Lines of a container's log. Nothing when pod or container are not there (any more). Followed, it goes on after a broken connection
 * where it was, without losing or repeating lines. Throws UnavailableError when it breaks again and again, RejectedError when it may
 * not be read; rejects with the signal's reason when aborted. Never an error outside of this iteration.
 */
export async function* podLog(
  connection: Connection,
  source: LogSource,
  { ended, breaks = 8, pauseMs = 250, idleMs = IDLE_MS }: FollowOptions,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let read: Bookmark | undefined;
  let broken = 0;
  for (;;) {
    const isLast = !source.follow || (await ended());
    // In order and yet too early: there is no container yet, or the server restarts.
    let pause = 4 * pauseMs;
    try {
      for await (const stamped of streamOf(connection, source, read, source.follow ? FOLLOW_IDLE_MS : idleMs, signal)) {
        broken = 0;
        read = advanced(read, stamped.time);
        yield stamped.line;
      }
      if (isLast) return;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof UnavailableError) || broken >= breaks) throw error;
      broken += 1;
      pause = Math.min(pauseMs * 2 ** (broken - 1), LONGEST_PAUSE_MS);
    }
    await delay(pause, undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
  }
}

interface Stamped {
  time: string;
  line: string;
}

/** Lines after a bookmark, with their times. */
async function* streamOf(
  connection: Connection,
  { namespace, pod, container, tail, follow }: LogSource,
  after: Bookmark | undefined,
  idleMs: number,
  signal: AbortSignal,
): AsyncGenerator<Stamped> {
  const action = `read the log of pod ${namespace}/${pod}`;
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}/log`;
  const query = {
    container,
    follow,
    timestamps: true,
    ...(after === undefined ? { tailLines: tail } : { sinceTime: after.time }),
  };
  const reply = await connection
    .send({ method: "GET", path, query, accept: "*/*" }, { signal, idleMs, stream: true })
    .catch((error: unknown) => {
      signal.throwIfAborted();
      throw networkError(connection, action, error, 1);
    });
  if (reply.status !== 200) {
    let text = "";
    for await (const line of linesOf(reply.body, signal)) text += line;
    if (isMissingObject({ code: reply.status, text }) || isNotStarted(reply.status, text)) return;
    throw errorOf({ action, server: connection.server, code: reply.status, text });
  }
  let skipped = 0;
  try {
    for await (const whole of linesOf(reply.body, signal)) {
      const stamped = stampedOf(whole);
      if (isExcuse(stamped)) continue;
      if (after !== undefined && stamped.time < after.time) continue;
      if (after !== undefined && stamped.time === after.time && skipped < after.count) {
        skipped += 1;
        continue;
      }
      yield stamped;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw networkError(connection, action, error, 1);
  }
}

/** `2026-11-23T00:11:22.123456789Z words`, with as many digits as the runtime writes: equal lengths make times comparable as texts. */
function stampedOf(whole: string): Stamped {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d) ?(.*)$/s.exec(whole);
  if (match === null) return { time: "", line: whole };
  const [, seconds = "", digits = "", zone = "Z", line = ""] = match;
  return { time: `${seconds}.${digits.padEnd(9, "0")}${zone}`, line };
}

/** What the kubelet sends in place of the log of a container that is gone already; a line of the log would have a time. */
function isExcuse({ time, line }: Stamped): boolean {
  return time === "" && line.startsWith("unable to retrieve container logs for ");
}

function advanced(read: Bookmark | undefined, time: string): Bookmark | undefined {
  if (time === "") return read;
  return read?.time === time ? { time, count: read.count + 1 } : { time, count: 1 };
}

/** The container has not begun to write, or will never: the kubelet answers 400 for both. */
function isNotStarted(code: number, text: string): boolean {
  return code === 400 && /waiting to start|is not available|not found|ContainerCreating|PodInitializing/i.test(text);
}
