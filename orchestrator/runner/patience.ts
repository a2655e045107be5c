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

/** Waits for each work `ms` at most from its first question without an answer, of which `onTrouble` is told. */
export function patience(ms: number, onTrouble: (error: UnavailableError) => void = () => undefined): Outlast {
  return async (work, signal) => {
    let since: number | undefined;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof UnavailableError)) throw error;
        // Of this work alone: another store may well answer meanwhile.
        if (since === undefined) onTrouble(error);
        since ??= performance.now();
        if (performance.now() - since >= ms) throw error;
      }
      await delay(Math.min(PAUSE_MS, ms / 10), undefined, { signal }).catch(() => undefined);
      signal.throwIfAborted();
    }
  };
}
