/** @module Drives a run to its end: observe → decide → one status write → act, again and again. `run`, `resume`, `retry` and `cancel` are this one loop. */
import { setTimeout as delay } from "node:timers/promises";
import { hasCrowd, type Backend } from "../backends/backend.ts";
import { steadyFrom, systemClock, type Clock } from "../clock.ts";
import { absorb, advance, type Report } from "../engine/advance.ts";
import { decide, nextWake, wantsPlace, type Action, type Seen } from "../engine/decide.ts";
import { allowance } from "../engine/pacing.ts";
import type { RunStatus } from "../engine/run-state.ts";
import { RejectedError, UnavailableError } from "../errors.ts";
import type { FolderStore } from "../storage/folder.ts";
import { bellOf, type Bell } from "./bell.ts";
import { stepNamed, type Crew } from "./crew.ts";
import { hands } from "./hands.ts";
import { launch, remove, settle } from "./launch.ts";
import { look } from "./look.ts";
import { patience } from "./patience.ts";
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
  /** How long a store that does not answer is waited for, in ms. Default 0: the run then waits for whoever drives it next. */
  patienceMs?: number;
  /** Told when such a wait begins. */
  onTrouble?: (error: UnavailableError) => void;
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
  const signal = AbortSignal.any([over.signal, ...(options.leave === undefined ? [] : [options.leave])]);
  try {
    return await untilOver(crew, begun, options, signal, bellOf(crew, over.signal));
  } finally {
    over.abort();
  }
}

async function untilOver(
  crew: Crew,
  begun: RunStatus,
  options: DriveOptions,
  signal: AbortSignal,
  bell: Bell,
): Promise<RunStatus> {
  const work = hands();
  const outlast = patience(options.patienceMs ?? 0, options.onTrouble);
  let [written, status] = [begun, begun];
  const settling: Promise<void>[] = [];
  for (;;) {
    signal.throwIfAborted();
    status = work.reports().reduce((so, report) => absorb(so, report, crew.clock()), status);
    if (status.phase === "Running" && status.cancelRequested !== true) {
      const isCancelled = await outlast(() => shouldCancel(crew, options), signal);
      if (isCancelled) status = absorb(status, { report: "cancelRequested" }, crew.clock());
    }
    bell.silence();
    const seen = await look(crew, status, signal);
    const now = crew.clock();
    const allowed = await places(crew, status, signal);
    // What is being done about a step has to end before anything else is: a removal or a long verification holds up no other step.
    const actions = decide(crew.record.plan, status, seen, now, allowed).filter(
      (action) => !("step" in action) || !work.areBusy(action.step),
    );
    status = actions.reduce((so, action) => advance(crew.record.name, so, action, now), status);
    // What is about to be done is on disk before it is done; what was done since the last write goes with it.
    const hasChanged = status !== written;
    const news = status;
    if (hasChanged) written = status = await outlast(() => crew.store.writeStatus(crew.lock, news), signal);
    options.onChange?.({ status, seen });
    // In the background: the next step need not wait for it.
    for (const action of actions) {
      if (action.do === "end")
        settling.push(settle(crew, status, stepNamed(crew, action.step), action.attempt, signal));
    }
    if (status.phase !== "Running") {
      await Promise.all(settling);
      return status;
    }
    const known = status;
    for (const action of actions) {
      if (isDeed(action)) work.begin(action.step, () => outlast(() => carryOut(crew, known, action, signal), signal));
    }
    if (!hasChanged) await rest(crew, status, options, [bell.rings(), work.hasNews()]);
  }
}

async function shouldCancel({ store, record }: Crew, options: DriveOptions): Promise<boolean> {
  return options.cancel?.aborted === true || (await store.cancelRequested(record.name));
}

/** Submissions that the target's namespace bears now. None while that cannot be asked. */
async function places({ backend, record, clock }: Crew, status: RunStatus, signal: AbortSignal): Promise<number> {
  const { plan } = record;
  if (!hasCrowd(backend) || !wantsPlace(plan, status, clock())) return Number.POSITIVE_INFINITY;
  const { namespace, perMinute, mostApplications: most } = plan.target.spec;
  try {
    return allowance({ perMinute, most }, await backend.crowd(namespace, signal));
  } catch (error) {
    if (error instanceof UnavailableError) return 0;
    throw error;
  }
}

type Deed = Extract<Action, { do: "prepare" | "submit" | "remove" | "publish" }>;

/** Whether an action touches the world; the others are done by being written down. */
function isDeed(action: Action): action is Deed {
  return ["prepare", "submit", "remove", "publish"].includes(action.do);
}

/** Does what an action asks for; the report says what came of it, none when it has to be tried again. */
async function carryOut(crew: Crew, status: RunStatus, deed: Deed, signal: AbortSignal): Promise<Report | undefined> {
  const step = stepNamed(crew, deed.step);
  switch (deed.do) {
    case "prepare":
      return prepare(crew, status, step);
    case "submit":
      return launch(crew, status, step, deed.attempt, signal);
    case "remove":
      return remove(crew, status, step, deed.attempt, signal);
    case "publish":
      return publish(crew, status, step);
  }
}

/** Waits until it is worth looking again, at the latest until something of `news` comes. */
async function rest(crew: Crew, status: RunStatus, options: DriveOptions, news: Promise<void>[]): Promise<void> {
  const pause = Math.min(options.every ?? 250, nextWake(status, crew.clock()) ?? Number.POSITIVE_INFINITY);
  const wakers = [options.leave, status.cancelRequested === true ? undefined : options.cancel].filter(
    (waker) => waker !== undefined,
  );
  const enough = new AbortController();
  const paused = delay(pause, undefined, { signal: AbortSignal.any([...wakers, enough.signal]) }).catch(
    () => undefined,
  );
  await Promise.race([paused, ...news]);
  enough.abort();
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
