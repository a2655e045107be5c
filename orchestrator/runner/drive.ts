/** @module Drives a run to its end: observe → decide → one status write → act, again and again. `run`, `resume`, `retry` and `cancel` are this one loop. */
import { setTimeout as delay } from "node:timers/promises";
import { hasChanges, type Backend } from "../backends/backend.ts";
import { steadyFrom, systemClock, type Clock } from "../clock.ts";
import { absorb, advance, type Report } from "../engine/advance.ts";
import { decide, nextWake, type Action, type Seen } from "../engine/decide.ts";
import { isLive } from "../engine/phases.ts";
import type { RunStatus } from "../engine/run-state.ts";
import { RejectedError, UnavailableError } from "../errors.ts";
import type { Observation, SparkApp } from "../spark-app.ts";
import type { FolderStore } from "../storage/folder.ts";
import { appOf, stepNamed, type Crew } from "./crew.ts";
import { launch, remove } from "./launch.ts";
import { prepare } from "./prepare.ts";
import { publish } from "./publish.ts";

export interface DriveOptions {
  store: FolderStore;
  backend: Backend;
  /** Names what jobs run in besides their code: an image, or the Python environment of a laptop. Part of the cache key. */
  environment: string;
  clock?: Clock;
  /** Aborting it cancels the run: applications are removed, the record stays. */
  cancel?: AbortSignal;
  /** Aborting it leaves at once: drive rejects with its reason after giving the lock back; driving again goes on. */
  leave?: AbortSignal;
  /** Called after every look, also when nothing changed. */
  onChange?: (moment: { status: RunStatus; seen: Seen }) => void;
  /** Pause between two looks in ms. Default 250. */
  every?: number;
  /** Take the run's lock also from a process that cannot be looked up (another host). */
  force?: boolean;
}

/** Goes on with the run wherever it stands and returns its last status. Throws ConflictError, naming the process, when another one drives it. */
export async function drive(run: string, options: DriveOptions): Promise<RunStatus> {
  const { store, backend, environment } = options;
  if ((await store.readRun(run)) === undefined) throw noRun(run);
  const lock = await store.lockRun(run, { force: options.force === true });
  try {
    // Read under the lock: what was read before may be another process's past.
    const [record, status] = [await store.readRun(run), await store.readStatus(run)];
    if (record === undefined || status === undefined) throw noRun(run);
    const clock = steadyFrom(options.clock ?? systemClock);
    const crew: Crew = { record, store, backend, clock, lock, environment };
    return await untilLeft(toTheEnd(crew, status, options), options.leave);
  } finally {
    await lock.release();
  }
}

async function toTheEnd(crew: Crew, begun: RunStatus, options: DriveOptions): Promise<RunStatus> {
  const over = new AbortController();
  const bell = bellOf(crew, over.signal);
  try {
    return await loop(crew, begun, options, bell);
  } finally {
    over.abort();
  }
}

/** Rung when something may have changed; a ring while nobody waits is heard by the next who does. */
interface Bell {
  rung: AbortController;
}

function bellOf({ backend, record }: Crew, over: AbortSignal): Bell {
  const bell: Bell = { rung: new AbortController() };
  const { namespace } = record.plan.target.spec;
  if (hasChanges(backend)) backend.follow({ namespace, run: record.name }, () => bell.rung.abort(), over);
  return bell;
}

async function loop(crew: Crew, begun: RunStatus, options: DriveOptions, bell: Bell): Promise<RunStatus> {
  const signal = options.leave ?? new AbortController().signal;
  let [written, status] = [begun, begun];
  for (;;) {
    signal.throwIfAborted();
    if (status.phase === "Running" && status.cancelRequested !== true && (await shouldCancel(crew, options))) {
      status = absorb(status, { report: "cancelRequested" }, crew.clock());
    }
    const seen = await look(crew, status, signal);
    const now = crew.clock();
    const actions = decide(crew.record.plan, status, seen, now);
    status = actions.reduce((so, action) => advance(crew.record.name, so, action, now), status);
    // What is about to be done is on disk before it is done; what was done since the last write goes with it.
    const hasChanged = status !== written;
    if (hasChanged) written = status = await crew.store.writeStatus(crew.lock, status);
    options.onChange?.({ status, seen });
    if (status.phase !== "Running") return status;
    const reports = await Promise.all(actions.map((action) => carryOut(crew, status, action, signal)));
    const done = reports.filter((report) => report !== undefined);
    status = done.reduce((so, report) => absorb(so, report, crew.clock()), status);
    if (!hasChanged && done.length === 0) await rest(crew, status, options, bell);
  }
}

async function shouldCancel({ store, record }: Crew, options: DriveOptions): Promise<boolean> {
  return options.cancel?.aborted === true || (await store.cancelRequested(record.name));
}

/** What is there of every live attempt. */
async function look(crew: Crew, status: RunStatus, signal: AbortSignal): Promise<Seen> {
  const live = Object.entries(status.steps).flatMap(([step, { attempts }]) =>
    attempts.filter(isLive).map((attempt) => ({ step, attempt })),
  );
  const seen: Seen = {};
  await Promise.all(
    live.map(async ({ step, attempt }) => {
      try {
        const app = await appOf(crew, status, stepNamed(crew, step), attempt.number);
        const there = (await crew.backend.observe(app, signal)) ?? null;
        seen[attempt.application] = attempt.phase === "Recorded" ? there : await completed(crew, app, there);
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

/** Does what an action asks for; the report says what came of it, none when there is nothing to tell or it has to be tried again. */
async function carryOut(
  crew: Crew,
  status: RunStatus,
  action: Action,
  signal: AbortSignal,
): Promise<Report | undefined> {
  switch (action.do) {
    case "prepare":
      return prepare(crew, status, stepNamed(crew, action.step));
    case "submit":
      return launch(crew, status, stepNamed(crew, action.step), action.attempt, signal);
    case "remove":
      return remove(crew, status, stepNamed(crew, action.step), action.attempt, signal);
    case "publish":
      return publish(crew, status, stepNamed(crew, action.step));
    case "queue":
    case "note":
    case "end":
    case "backoff":
    case "conclude":
    case "finish":
      return undefined;
  }
}

/** Waits until it is worth looking again. */
async function rest(crew: Crew, status: RunStatus, options: DriveOptions, bell: Bell): Promise<void> {
  const pause = Math.min(options.every ?? 250, nextWake(status, crew.clock()) ?? Number.POSITIVE_INFINITY);
  const wakers = [bell.rung.signal, options.leave, status.cancelRequested === true ? undefined : options.cancel].filter(
    (waker) => waker !== undefined,
  );
  await delay(pause, undefined, { signal: AbortSignal.any(wakers) }).catch(() => undefined);
  if (bell.rung.signal.aborted) bell.rung = new AbortController();
}

/** The outcome of `work`, unless the caller leaves before. */
async function untilLeft<T>(work: Promise<T>, leave: AbortSignal | undefined): Promise<T> {
  if (leave === undefined) return work;
  const { promise: left, reject } = Promise.withResolvers<never>();
  const onLeave = () => reject(leave.reason);
  if (leave.aborted) onLeave();
  leave.addEventListener("abort", onLeave, { once: true });
  try {
    return await Promise.race([work, left]);
  } finally {
    leave.removeEventListener("abort", onLeave);
    // Without the lock it can write nothing more; that it fails then is what is wanted.
    work.catch(() => undefined);
    left.catch(() => undefined);
  }
}

function noRun(run: string): RejectedError {
  return new RejectedError(`Cannot drive run ${run}: there is none of this name`, {
    remedy: "sparkwright get runs lists them",
  });
}
