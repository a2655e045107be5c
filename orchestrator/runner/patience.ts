/** @module Waits for a store that does not answer now: an API server that is restarted costs a run nothing but time. */
import { setTimeout as delay } from "node:timers/promises";
import { UnavailableError } from "../errors.ts";

/**
 * What `work` comes to, which has to be fit for being done twice. Throws the last UnavailableError when nothing was answered
 * for too long, and the signal's reason when aborted.
 */
export type Outlast = <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>;

/** Each question has been asked several times before. */
const PAUSE_MS = 1000;

/** Waits `ms` at most from the first question without an answer, of which `onTrouble` is told, to the next with one. */
export function patience(ms: number, onTrouble: (error: UnavailableError) => void = () => undefined): Outlast {
  let since: number | undefined;
  const bear = (error: unknown): void => {
    if (!(error instanceof UnavailableError)) throw error;
    if (since === undefined) onTrouble(error);
    since ??= performance.now();
    if (performance.now() - since >= ms) throw error;
  };
  return async (work, signal) => {
    for (;;) {
      try {
        const result = await work();
        since = undefined;
        return result;
      } catch (error) {
        signal.throwIfAborted();
        bear(error);
      }
      await delay(Math.min(PAUSE_MS, ms / 10), undefined, { signal }).catch(() => undefined);
      signal.throwIfAborted();
    }
  };
}
