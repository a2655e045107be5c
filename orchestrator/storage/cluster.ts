/** @module The runs that a cluster knows, for a process that has nothing but a kubeconfig; each run says where its data lie. */
import { setTimeout as delay } from "node:timers/promises";
import { RejectedError } from "../errors.ts";
import { connect, connectLater, type Connection } from "../kubernetes/connection.ts";
import { readKubeconfig } from "../kubernetes/kubeconfig.ts";
import { isLive, type Lease, leasesPath, serverTime } from "../kubernetes/lease.ts";
import { list } from "../kubernetes/list.ts";
import { reflector } from "../kubernetes/reflector.ts";
import { LABEL } from "../names.ts";
import { clusterStore } from "./cluster-runs.ts";
import { type FolderStore, openStoreAt } from "./folder.ts";
import { inParallel } from "./files.ts";
import { listRuns, runApi, runsPath } from "./run-api.ts";
import { documentsIn } from "./run-documents.ts";
import { binds } from "./run-lease.ts";
import { recordOf, type RunObject, statusOf } from "./run-object.ts";
import type { RunOverview, RunRecord } from "./store.ts";

export interface ClusterPlace {
  context?: string | undefined;
  /** Default: that of the context. */
  namespace?: string | undefined;
  /** Default: made from the kubeconfig when it is first needed. */
  connection?: Connection;
}

export interface Cluster {
  readonly namespace: string;
  readonly connection: Connection;
  /** The run of exactly this name, and its store. */
  find(name: string): Promise<{ store: FolderStore; record: RunRecord } | undefined>;
  /** Runs with their statuses, oldest first; failures without their evidence. A run that cannot be read is told, and left out. */
  overview(options: {
    all?: boolean;
    labelSelector?: string;
    onProblem: (error: RejectedError) => void;
  }): Promise<RunOverview[]>;
  /** Yields at once, and again whenever a run or the process that drives it may have changed. */
  changes(all: boolean, signal: AbortSignal): AsyncGenerator<void>;
  /** A store whose runs are those of this namespace. */
  storeAt(root: string): FolderStore;
}

const never = new AbortController().signal;
const OURS = `${LABEL.managedBy}=sparkwright`;
/** A Lease that runs out makes no event. */
const LOOK_AGAIN_MS = 5000;
/** Changes come in bursts. */
const SETTLE_MS = 100;

/** Throws RejectedError when the kubeconfig is of no use. Asks nothing of the cluster. */
export function openCluster({ context, namespace, connection: given }: ClusterPlace): Cluster {
  const kubeconfig = given === undefined || namespace === undefined ? readKubeconfig({ context }) : undefined;
  const connection = given ?? connectLater(() => connect(kubeconfig ?? readKubeconfig({ context })));
  const name = namespace ?? kubeconfig?.namespace ?? "default";
  const place = { namespace: name, ...(context === undefined ? {} : { context }) };
  const storeAt = (root: string): FolderStore => ({
    ...clusterStore(connection, name, openStoreAt(root)),
    cluster: place,
  });
  return {
    namespace: name,
    connection,
    storeAt,

    async find(run) {
      const there = await runApi(connection, name).read(run);
      if (there === undefined) return undefined;
      const store = storeAt(there.spec.store);
      return { store, record: recordOf(there, await documentsIn(store).planOf(there)) };
    },

    overview: ({ all = false, labelSelector, onProblem }) =>
      overview(connection, all ? undefined : name, labelSelector, onProblem),

    changes: (all, signal) => changes(connection, all ? undefined : name, signal),
  };
}

/** The store of a target on a cluster. */
export function targetStore(target: { namespace: string; context?: string | undefined }, root: string): FolderStore {
  const connection = connectLater(() => connect(readKubeconfig({ context: target.context })));
  return openCluster({ ...target, connection }).storeAt(root);
}

async function overview(
  connection: Connection,
  namespace: string | undefined,
  labelSelector: string | undefined,
  onProblem: (error: RejectedError) => void,
): Promise<RunOverview[]> {
  const runs = await listRuns(connection, namespace, labelSelector === undefined ? {} : { labelSelector });
  const driven = runs.some(({ status }) => (status?.phase ?? "Running") === "Running")
    ? await drivenRuns(connection, namespace)
    : new Set<string>();
  const found = await inParallel(runs, async (run): Promise<RunOverview | undefined> => {
    try {
      return await overviewOf(run, driven);
    } catch (error) {
      if (!(error instanceof RejectedError)) throw error;
      onProblem(error);
      return undefined;
    }
  });
  return found.filter((one) => one !== undefined);
}

async function overviewOf(run: RunObject, driven: ReadonlySet<string>): Promise<RunOverview> {
  const plan = run.spec.plan === undefined ? await documentsIn(openStoreAt(run.spec.store)).planOf(run) : undefined;
  const record = recordOf(run, plan);
  const status = statusOf(run, record.plan, () => []);
  const { namespace = "", name } = run.metadata;
  return { ...record, status, ...(status.phase === "Running" ? { driven: driven.has(`${namespace}/${name}`) } : {}) };
}

/** `namespace/run` of each run that somebody drives now. */
async function drivenRuns(connection: Connection, namespace: string | undefined): Promise<Set<string>> {
  let now = Date.now();
  const { items } = await list<Lease>(
    connection,
    { ...leases(namespace), onReply: ({ headers }) => (now = serverTime(headers) ?? now) },
    never,
  );
  const live = items.filter((lease) => isLive(lease, now) && binds(lease, false));
  return new Set(live.map(({ metadata }) => `${metadata.namespace}/${metadata.labels?.[LABEL.run] ?? ""}`));
}

function leases(namespace: string | undefined) {
  const path = namespace === undefined ? "/apis/coordination.k8s.io/v1/leases" : leasesPath(namespace);
  return { path, action: `list Leases in ${namespace ?? "all namespaces"}`, labelSelector: OURS };
}

async function* changes(
  connection: Connection,
  namespace: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<void> {
  const stop = new AbortController();
  const over = AbortSignal.any([signal, stop.signal]);
  let wake = Promise.withResolvers<void>();
  const onChange = () => wake.resolve();
  const runs = { path: runsPath(namespace), action: `list Runs in ${namespace ?? "all namespaces"}` };
  const following = [runs, leases(namespace)].map((options) =>
    reflector(connection, { ...options, onChange }).run(over),
  );
  try {
    while (!over.aborted) {
      yield;
      await Promise.race([wake.promise, delay(LOOK_AGAIN_MS, undefined, { signal: over }).catch(() => undefined)]);
      wake = Promise.withResolvers();
      await delay(SETTLE_MS, undefined, { signal: over }).catch(() => undefined);
    }
  } finally {
    stop.abort();
    await Promise.all(following);
  }
}
