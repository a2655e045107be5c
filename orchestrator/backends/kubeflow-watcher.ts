/** @module Looks at applications of the kubeflow operator: asks the cluster, and asks for explanations only where something is odd. */
import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../clock.ts";
import type { Connection } from "../kubernetes/connection.ts";
import type { Node, Pod } from "../kubernetes/objects.ts";
import { podLog, type LogSource } from "../kubernetes/pod-log.ts";
import type { Observation, PodEvidence, SparkApp } from "../spark-app.ts";
import { DRIVER_CONTAINER, EXECUTOR_CONTAINER, hasBegun, observationOf, ownDriver } from "./kubeflow-evidence.ts";
import type { Copies, Sight } from "./kubeflow-copy.ts";
import { readAll, readNodes, readPods, readWarnings } from "./kubeflow-objects.ts";
import { lostNodes, tooLarge } from "./kubeflow-room.ts";

export interface Watcher {
  /** What is there now, or undefined when nothing is. */
  observe(app: SparkApp, signal: AbortSignal): Promise<Observation | undefined>;
  /** Name of the driver's pod; waits for it when asked, until the application has ended. */
  driverOf(app: SparkApp, wait: boolean, signal: AbortSignal): Promise<string | undefined>;
  /** The application was removed. */
  forget(app: SparkApp): void;
}

export interface WatcherOptions {
  connection: () => Connection;
  copies: Copies;
  clock: Clock;
  /** How long a driver's pod may be missing while the operator says it runs, in ms. */
  missingMs: number;
}

/** Lines of the log that go with a bad end. */
const LOG_TAIL = 200;
/** Explanations change slowly and cost a request each. */
const WARNINGS_EVERY_MS = 5000;
const NODES_EVERY_MS = 30_000;
const POLL_MS = 500;
/** Longest time that reading the last lines of a log may take. */
const LOG_MS = 5000;

/** What was seen of an application before. It spares requests, and tells how long something lasts. */
interface Memory {
  /** Its end by its own pod: that stays true when the pod is gone. */
  end?: Observation;
  /** Uid of the pod that ended badly, and its last lines. */
  logTail?: { pod: string; text: string };
  warnings: string[];
  warnedAt: number;
  /** There was a driver. */
  hadDriver: boolean;
  missingSince?: number;
  /** The driver as it was last seen, when it was being deleted then. */
  deleted?: PodEvidence;
}

interface Watch extends WatcherOptions {
  memories: Map<string, Memory>;
  nodes: { at: number; list: Node[] };
}

export function watcherOf(options: WatcherOptions): Watcher {
  const watch: Watch = { ...options, memories: new Map(), nodes: { at: Number.NEGATIVE_INFINITY, list: [] } };
  return {
    observe: (app, signal) => observe(watch, app, signal),

    async driverOf(app, wait, signal) {
      for (let isLast = !wait; ;) {
        const { driver } = await readPods(watch.connection(), app, signal);
        if (driver !== undefined || isLast) return driver?.metadata.name;
        const seen = await observe(watch, app, signal);
        // A driver may have come and ended since its pod was asked for.
        isLast = seen === undefined || seen.phase === "Ended";
        if (!isLast) await delay(POLL_MS, undefined, { signal });
      }
    },

    forget: (app) => void watch.memories.delete(keyOf(app)),
  };
}

async function observe(watch: Watch, app: SparkApp, signal: AbortSignal): Promise<Observation | undefined> {
  const memory = watch.memories.get(keyOf(app)) ?? {
    warnings: [],
    warnedAt: Number.NEGATIVE_INFINITY,
    hadDriver: false,
  };
  watch.memories.set(keyOf(app), memory);
  const copied = watch.copies.look(app);
  const { application, ...found } = speaks(copied, memory) ? copied : await readAll(watch.connection(), app, signal);
  const driver = ownDriver(found.drivers, application);
  const pods = { ...(driver && { driver }), executors: found.executors };
  memory.hadDriver ||= driver !== undefined;
  const odd = [pods.driver, ...pods.executors].find((pod) => pod !== undefined && isStarting(pod));
  if (odd !== undefined) await explain(watch, app, odd.metadata.name, memory, signal);
  const isSilent = pods.driver !== undefined && isNotReady(pods.driver);
  const seen = observationOf({
    application,
    ...pods,
    warnings: odd === undefined ? [] : memory.warnings,
    ...(isSilent && { lostNodes: lostNodes(await nodesNow(watch, signal)) }),
  });
  if (pods.driver !== undefined) rememberDeletion(memory, seen?.cluster?.driver);
  if (seen === undefined) return memory.end ?? deletedUnseen(memory, undefined);
  await measure(seen, () => nodesNow(watch, signal));
  if (pods.driver === undefined) return memory.end ?? deletedUnseen(memory, seen) ?? withoutPod(watch, seen, memory);
  delete memory.missingSince;
  if (seen.phase !== "Ended") return seen;
  const logTail = seen.exitCode === 0 ? undefined : await driversWords(watch, app, pods.driver, memory, signal);
  if (seen.exitCode !== 0) await executorsWords(watch, app, seen, signal);
  memory.end = { ...seen, ...(logTail ? { logTail } : {}) };
  return memory.end;
}

/** Whether a copy may be believed as it is: a pod is, its absence only before there was one. */
function speaks(copied: Sight | undefined, { hadDriver }: Memory): copied is Sight {
  if (copied === undefined) return false;
  return copied.driver !== undefined || (!hadDriver && !hasBegun(copied.application));
}

function keyOf({ namespace, name }: SparkApp): string {
  return `${namespace}/${name}`;
}

/** Of several drivers in turn the last one counts. */
function rememberDeletion(memory: Memory, driver: PodEvidence | undefined): void {
  if (driver?.deleted === true) memory.deleted = driver;
  else delete memory.deleted;
}

/** The driver's pod was being deleted when it was last seen, and has gone before it was seen to end. */
function deletedUnseen({ deleted }: Memory, seen: Observation | undefined): Observation | undefined {
  if (deleted === undefined) return undefined;
  return {
    phase: "Ended",
    where: `pod ${deleted.name}, which was deleted`,
    cluster: { ...seen?.cluster, driver: deleted },
  };
}

/** The operator, if it lives, notices a missing pod only when something else happens; we wait a while for it, and then no longer. */
function withoutPod({ clock, missingMs }: Watch, seen: Observation, memory: Memory): Observation {
  if (seen.phase === "Ended" || !(memory.hadDriver || seen.cluster?.application?.submitted === true)) return seen;
  memory.missingSince ??= clock();
  if (clock() - memory.missingSince < missingMs) return seen;
  const state = seen.cluster?.application?.state || "nothing";
  return { ...seen, phase: "Ended", where: `a driver whose pod is gone, though the operator says ${state}` };
}

async function explain(
  { connection, clock }: Watch,
  app: SparkApp,
  pod: string,
  memory: Memory,
  signal: AbortSignal,
): Promise<void> {
  if (clock() - memory.warnedAt < WARNINGS_EVERY_MS) return;
  memory.warnedAt = clock();
  memory.warnings = await readWarnings(connection(), app.namespace, pod, signal);
}

async function nodesNow(watch: Watch, signal: AbortSignal): Promise<Node[]> {
  if (watch.clock() - watch.nodes.at >= NODES_EVERY_MS)
    watch.nodes = { at: watch.clock(), list: await readNodes(watch.connection(), signal) };
  return watch.nodes.list;
}

/** Last lines of a driver that ended badly, read once. */
async function driversWords(
  watch: Watch,
  { namespace }: SparkApp,
  { metadata }: Pod,
  memory: Memory,
  signal: AbortSignal,
): Promise<string> {
  const pod = metadata.uid ?? metadata.name;
  if (memory.logTail?.pod === pod) return memory.logTail.text;
  const source = { namespace, pod: metadata.name, container: DRIVER_CONTAINER, follow: false, tail: LOG_TAIL };
  memory.logTail = { pod, text: await lastLinesOf(watch, source, signal) };
  return memory.logTail.text;
}

/** Last lines of the first executor that failed, while its pod is there. */
async function executorsWords(watch: Watch, app: SparkApp, { cluster }: Observation, signal: AbortSignal) {
  const first = cluster?.executors?.first;
  if (first?.exitCode === undefined || first.exitCode === 0) return;
  const source = { namespace: app.namespace, pod: first.name, container: EXECUTOR_CONTAINER, follow: false, tail: 20 };
  const text = await lastLinesOf(watch, source, signal);
  if (text !== "") first.logTail = text;
}

async function lastLinesOf({ connection }: Watch, source: LogSource, signal: AbortSignal): Promise<string> {
  const lines: string[] = [];
  try {
    // A node that does not answer must not hold up what is known without its log.
    const soon = AbortSignal.any([signal, AbortSignal.timeout(LOG_MS)]);
    const options = { ended: async () => true, breaks: 2, pauseMs: 100 };
    for await (const line of podLog(connection(), source, options, soon)) lines.push(line);
  } catch (error) {
    signal.throwIfAborted();
    // Its node may be gone, or the right to read logs missing: the end is told without its log.
    lines.push(error instanceof Error ? error.message : String(error));
  }
  return lines.join("\n");
}

/** Tells of pods that no node takes whether any node could. */
async function measure({ cluster }: Observation, nodes: () => Promise<Node[]>): Promise<void> {
  const waiting = [cluster?.driver, cluster?.executors?.first].filter(
    (pod): pod is PodEvidence => pod?.unschedulable !== undefined,
  );
  for (const pod of waiting) {
    const lacking = tooLarge(pod.requests ?? {}, await nodes());
    if (lacking.length > 0) pod.tooLarge = lacking;
  }
}

function isStarting({ status }: Pod): boolean {
  return status?.phase === "Pending";
}

function isNotReady({ status }: Pod): boolean {
  return (
    status?.phase === "Running" &&
    status.conditions?.some(({ type, status: is }) => type === "Ready" && is !== "True") === true
  );
}
