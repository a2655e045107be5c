/**
 * @module A Lease: which of several processes may act. Its holder renews it; one that was not renewed for its duration, by the clock of the
 * API server, is free. It saves double work and names the holder. It fences nothing by itself: what a holder writes must bear its term.
 */
import { ConflictError } from "../errors.ts";
import { call, callFor } from "./call.ts";
import type { Connection } from "./connection.ts";
import type { KubeObject, Meta } from "./objects.ts";

export interface Lease extends KubeObject {
  metadata: Meta & { managedFields?: { time?: string }[] };
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    /** Ours: the term of its holder, which grows with each new one. */
    leaseTransitions?: number;
  };
}

export interface LeaseOptions {
  namespace: string;
  name: string;
  /** Names this holder among all there ever were. */
  holder: string;
  /** For messages, as in `run offers-7`. */
  what: string;
  /** Default 15. Renewed three times as often. */
  seconds?: number;
  /** Its term is higher than this, also when the Lease itself was lost. */
  above: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  /** With whose end it is garbage. */
  owner?: { apiVersion: string; kind: string; name: string; uid: string };
  /** Whether its present holder is known to live no more, or is to be ignored. */
  isGone?: (lease: Lease) => boolean;
}

export interface HeldLease {
  readonly term: number;
  /** Throws ConflictError when it was lost. Asks the server. */
  assertHeld(signal: AbortSignal): Promise<void>;
  /** Whether it is known to be lost, or given back. Asks nobody. */
  isOver(): boolean;
  /** Gives it back; what cannot be given back runs out. Doing so twice is the same as once. */
  release(): Promise<void>;
  /** Deletes it, with what it was for. */
  remove(): Promise<void>;
}

const SECONDS = 15;
/** Times of the server have whole seconds. */
const GRAIN_MS = 1000;
const never = new AbortController().signal;

/** Takes a Lease that is free. Throws ConflictError, naming the holder, when it is not. */
export async function takeLease(
  connection: Connection,
  options: LeaseOptions,
  signal: AbortSignal = never,
): Promise<HeldLease> {
  for (;;) {
    const there = await readLease(connection, options, signal);
    const { lease } = there ?? {};
    if (lease?.spec?.holderIdentity === options.holder) return held(connection, options, lease);
    if (there?.isLive === true && options.isGone?.(there.lease) !== true) throw taken(options, there.lease);
    const term = Math.max(options.above, lease?.spec?.leaseTransitions ?? 0) + 1;
    try {
      return held(connection, options, await write(connection, options, bodyOf(options, lease, term), signal));
    } catch (error) {
      // Somebody was faster, or an answer got lost: the next look tells.
      if (!(error instanceof ConflictError)) throw error;
    }
  }
}

/** The Lease and whether it binds others now; undefined when there is none. */
export async function readLease(
  connection: Connection,
  { namespace, name }: Pick<LeaseOptions, "namespace" | "name">,
  signal: AbortSignal,
): Promise<{ lease: Lease; isLive: boolean } | undefined> {
  let now = Date.now();
  const lease = await call<Lease>(
    connection,
    {
      method: "GET",
      path: `${leasesPath(namespace)}/${name}`,
      action: `read Lease ${namespace}/${name}`,
      onReply: ({ headers }) => (now = serverTime(headers) ?? now),
    },
    signal,
  );
  return lease === undefined ? undefined : { lease, isLive: isLive(lease, now) };
}

export function leasesPath(namespace: string): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
}

/** What the server's clock showed when it replied. */
export function serverTime(headers: Record<string, string | string[] | undefined>): number | undefined {
  const time = Date.parse(String(headers["date"]));
  return Number.isNaN(time) ? undefined : time;
}

/** Whether it has a holder that renewed it in time. `now` is by the server's clock, as are the times of its managed fields. */
export function isLive({ metadata, spec }: Lease, now: number): boolean {
  if (!spec?.holderIdentity) return false;
  const written = (metadata.managedFields ?? []).map(({ time = "" }) => Date.parse(time)).filter(Number.isFinite);
  const renewed = written.length > 0 ? Math.max(...written) : Date.parse(spec.renewTime ?? "");
  return !(now - renewed > (spec.leaseDurationSeconds ?? SECONDS) * 1000 + GRAIN_MS);
}

function bodyOf(options: LeaseOptions, lease: Lease | undefined, term: number): Lease {
  const now = microTime();
  const { resourceVersion } = lease?.metadata ?? {};
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: {
      name: options.name,
      namespace: options.namespace,
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(options.labels && { labels: options.labels }),
      ...(options.annotations && { annotations: options.annotations }),
      ...(options.owner && { ownerReferences: [options.owner] }),
    },
    spec: {
      holderIdentity: options.holder,
      leaseDurationSeconds: options.seconds ?? SECONDS,
      acquireTime: now,
      renewTime: now,
      leaseTransitions: term,
    },
  };
}

function microTime(): string {
  return `${new Date().toISOString().slice(0, -1)}000Z`;
}

/** Creates it, or replaces exactly the one that was read. */
function write(connection: Connection, { what }: LeaseOptions, lease: Lease, signal: AbortSignal): Promise<Lease> {
  const { name, namespace = "", resourceVersion } = lease.metadata;
  const isNew = resourceVersion === undefined;
  return callFor<Lease>(
    connection,
    {
      method: isNew ? "POST" : "PUT",
      path: isNew ? leasesPath(namespace) : `${leasesPath(namespace)}/${name}`,
      query: { fieldManager: "sparkwright" },
      body: lease,
      action: `take the Lease of ${what}`,
    },
    signal,
  );
}

function held(connection: Connection, options: LeaseOptions, taken_: Lease): HeldLease {
  let lease = taken_;
  let state: "held" | "lost" | "released" = "held";
  let turn: Promise<void> = Promise.resolve();

  const look = async (signal: AbortSignal): Promise<void> => {
    const there = await readLease(connection, options, signal);
    if (there?.lease.spec?.holderIdentity === options.holder) lease = there.lease;
    else if (state === "held") state = "lost";
  };
  const renew = async (holder: string): Promise<void> => {
    const spec = { ...lease.spec, holderIdentity: holder, renewTime: microTime() };
    try {
      lease = await write(connection, options, { ...lease, spec }, never);
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      await look(never);
    }
  };
  /** One write at a time; what fails is tried again at the next time. */
  const inTurn = (work: () => Promise<void>): Promise<void> => (turn = turn.then(work).catch(() => undefined));
  const every = ((options.seconds ?? SECONDS) * 1000) / 3;
  const renewing = setInterval(
    () => void inTurn(async () => (state === "held" ? renew(options.holder) : undefined)),
    every,
  );
  renewing.unref();

  return {
    term: lease.spec?.leaseTransitions ?? 0,
    isOver: () => state !== "held",
    async assertHeld(signal) {
      if (state === "held") await look(signal);
      if (state !== "held")
        throw new ConflictError(`Cannot go on with ${options.what}: another process has taken over`);
    },
    async release() {
      clearInterval(renewing);
      if (state !== "held") return turn;
      state = "released";
      return inTurn(() => renew(""));
    },
    async remove() {
      clearInterval(renewing);
      state = "released";
      await turn;
      const { name, namespace } = options;
      const request = {
        method: "DELETE",
        path: `${leasesPath(namespace)}/${name}`,
        action: `delete Lease ${name}`,
      } as const;
      await call(connection, request, never);
    },
  };
}

function taken({ what }: LeaseOptions, { spec }: Lease): ConflictError {
  return new ConflictError(`Cannot take ${what}: ${spec?.holderIdentity ?? "somebody"} holds it`);
}
