/** @module Who drives a run of a cluster: the holder of its Lease, whose term stands in the run's status and fences what others write. */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { ConflictError, RejectedError } from "../errors.ts";
import { API_VERSION } from "../kinds/fields.ts";
import type { Connection } from "../kubernetes/connection.ts";
import { type HeldLease, type Lease, readLease, takeLease } from "../kubernetes/lease.ts";
import { ANNOTATION, LABEL, leaseName } from "../names.ts";
import { holds, thisProcess } from "./owner.ts";
import type { RunApi } from "./run-api.ts";
import type { RunObject } from "./run-object.ts";
import type { Owner } from "./store.ts";

export interface RunLease {
  lease: HeldLease;
  driver: { holder: string; term: number };
  /** The run as it was when the term was written. */
  run: RunObject;
}

const never = new AbortController().signal;

/**
 * Takes the run's Lease and writes the term into its status. Throws ConflictError, naming the process, when another one drives it;
 * `force` takes it from one that cannot be looked up.
 */
export async function leaseRun(connection: Connection, api: RunApi, name: string, force: boolean): Promise<RunLease> {
  const there = await existing(api, name);
  const { namespace } = api;
  const holder = `${hostname()}/${process.pid}/${randomUUID().slice(0, 8)}`;
  const lease = await takeLease(connection, {
    namespace,
    name: leaseName(name),
    holder,
    what: `run ${name}`,
    above: there.status?.driver?.term ?? 0,
    labels: { [LABEL.managedBy]: "sparkwright", [LABEL.run]: name },
    annotations: { [ANNOTATION.process]: JSON.stringify(thisProcess()) },
    owner: { apiVersion: API_VERSION, kind: "Run", name, uid: there.metadata.uid ?? "" },
    isGone: (other) => !binds(other, force),
  });
  try {
    const driver = { holder, term: lease.term };
    return { lease, driver, run: await writeTerm(api, name, driver) };
  } catch (error) {
    await lease.release();
    throw error;
  }
}

/** The run, read again. Throws RejectedError when there is none. */
export async function existing(api: RunApi, name: string): Promise<RunObject> {
  const run = await api.read(name);
  if (run !== undefined) return run;
  throw new RejectedError(`Cannot drive run ${name}: there is none in namespace ${api.namespace}`, {
    remedy: `sparkwright get runs -n ${api.namespace} lists them`,
  });
}

/** Only ever raised: a process that took the Lease long ago and wakes up now must not lower it. */
async function writeTerm(api: RunApi, name: string, driver: RunLease["driver"]): Promise<RunObject> {
  for (let look = 1; ; look += 1) {
    const run = await existing(api, name);
    const { term, holder } = run.status?.driver ?? { term: 0, holder: "" };
    if (holder === driver.holder) return run;
    if (term >= driver.term) throw new ConflictError(`Cannot take run ${name}: ${holder} drives it`);
    try {
      return await api.changeStatus(name, run.metadata.resourceVersion ?? "", { driver });
    } catch (error) {
      if (!(error instanceof ConflictError) || look >= LOOKS) throw error;
    }
  }
}

/** Writes of others in a row: notes and cancel requests. */
const LOOKS = 10;

/** The process that drives the run now, if any. */
export async function driverNow(connection: Connection, namespace: string, run: string): Promise<Owner | undefined> {
  const there = await readLease(connection, { namespace, name: leaseName(run) }, never);
  return there?.isLive === true && binds(there.lease, false) ? processOf(there.lease) : undefined;
}

/** Whether a live Lease has to be respected: its holder may be a process of this machine that has died. */
export function binds(lease: Lease, force: boolean): boolean {
  return holds(processOf(lease), force);
}

/** The process that holds a Lease. One that does not say is of another machine. */
function processOf({ metadata, spec }: Lease): Owner {
  const unknown = { host: spec?.holderIdentity ?? "", pid: 0, bootId: "", startTime: "", pidNamespace: "" };
  try {
    const owner = JSON.parse(metadata.annotations?.[ANNOTATION.process] ?? "null") as Owner | null;
    return owner ?? unknown;
  } catch {
    return unknown;
  }
}
