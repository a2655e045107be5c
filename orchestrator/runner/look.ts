/** @module What is there of the attempts of a run. */
import { isLive } from "../engine/phases.ts";
import type { Seen } from "../engine/decide.ts";
import type { RunStatus } from "../engine/run-state.ts";
import { UnavailableError } from "../errors.ts";
import type { Observation, SparkApp } from "../spark-app.ts";
import { appOf, stepNamed, type Crew } from "./crew.ts";

/** What is there of every live attempt. */
export async function look(crew: Crew, status: RunStatus, signal: AbortSignal): Promise<Seen> {
  const live = Object.entries(status.steps).flatMap(([step, { attempts }]) =>
    attempts.filter(isLive).map((attempt) => ({ step, attempt })),
  );
  const seen: Seen = {};
  await Promise.all(
    live.map(async ({ step, attempt }) => {
      try {
        const app = await appOf(crew, status, stepNamed(crew, step), attempt.number);
        const there = (await crew.backend.observe(app, signal)) ?? null;
        // Nothing there of what was only recorded: the submission, which looks for a result itself, is still to come.
        const isToCome = there === null && attempt.phase === "Recorded";
        seen[attempt.application] = isToCome ? there : await completed(crew, app, there);
      } catch (error) {
        // Not to know is no evidence; the next look may tell.
        if (!(error instanceof UnavailableError)) throw error;
      }
    }),
  );
  return seen;
}

/** What was seen, with the result document where nobody saw the end. */
async function completed({ store }: Crew, app: SparkApp, seen: Observation | null): Promise<Observation | null> {
  const isUnseen = seen === null || (seen.phase === "Ended" && seen.exitCode === undefined);
  if (!isUnseen || typeof (await store.readResult(app.run, app.step, app.attempt)) === "string") return seen;
  return { phase: "Ended", where: "the result document; the driver is gone", ...seen, hasResult: true };
}
