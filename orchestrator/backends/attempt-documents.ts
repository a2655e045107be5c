/** @module What an application of a cluster wrote below its attempt's prefix, beside what the cluster says: how far it is. */
import { readText } from "../storage/files.ts";
import type { Observation, SparkApp } from "../spark-app.ts";
import { progressOf } from "./termination.ts";

/** Reads a document of an attempt; undefined when there is none. Rejects when the store does not answer. */
export type ReadDocument = (path: string) => Promise<string | undefined>;

/** A progress document is replaced about once a second. */
const EVERY_MS = 1000;

interface Known {
  progress?: Observation["progress"];
  isAsking: boolean;
  askedAt: number;
}

/** Completes observations of applications. */
export interface AttemptDocuments {
  complete(app: SparkApp, seen: Observation | undefined): Observation | undefined;
}

/** `clock` in epoch ms. */
export function attemptDocuments(clock: () => number, read: ReadDocument = readText): AttemptDocuments {
  const known = new Map<string, Known>();

  /** What was read last; asks for news without waiting, so that a slow store holds up no look at the cluster. */
  function progress({ prefix }: SparkApp): Observation["progress"] {
    const mine = known.get(prefix) ?? { isAsking: false, askedAt: Number.NEGATIVE_INFINITY };
    known.set(prefix, mine);
    if (!mine.isAsking && clock() - mine.askedAt >= EVERY_MS) {
      Object.assign(mine, { isAsking: true, askedAt: clock() });
      void read(`${prefix}/progress.json`)
        .then((text) => {
          mine.progress = progressOf(jsonOf(text)) ?? mine.progress;
        })
        // It is a courtesy: a store that does not answer is noticed where it matters.
        .catch(() => undefined)
        .finally(() => {
          mine.isAsking = false;
        });
    }
    return mine.progress;
  }

  return {
    complete(app, seen) {
      if (seen?.phase !== "Running") {
        known.delete(app.prefix);
        return seen;
      }
      const found = progress(app);
      return found === undefined ? seen : { ...seen, progress: found };
    },
  };
}

function jsonOf(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return undefined;
  }
}
