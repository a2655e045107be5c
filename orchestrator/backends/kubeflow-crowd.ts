/** @module How crowded a namespace is with applications: asked of the cluster, not more often than it changes. */
import type { Crowd } from "../engine/pacing.ts";
import type { Connection } from "../kubernetes/connection.ts";
import { serverTime } from "../kubernetes/lease.ts";
import { list } from "../kubernetes/list.ts";
import { crowdOf, type Known } from "./kubeflow-health.ts";
import { applicationsPath } from "./kubeflow-objects.ts";

const FRESH_MS = 2000;

export interface CrowdWatch {
  look(namespace: string, signal: AbortSignal): Promise<Crowd>;
  /** Something was added. */
  forget(): void;
}

export function crowdIn(connection: () => Connection): CrowdWatch {
  let last: { namespace: string; at: number; crowd: Promise<Crowd> } | undefined;
  return {
    async look(namespace, signal) {
      if (last?.namespace === namespace && performance.now() - last.at < FRESH_MS) return last.crowd;
      const asked = { namespace, at: performance.now(), crowd: read(connection(), namespace, signal) };
      last = asked;
      try {
        return await asked.crowd;
      } catch (error) {
        if (last === asked) last = undefined;
        throw error;
      }
    },
    forget: () => void (last = undefined),
  };
}

/** All applications of a namespace and the time by the clock of the server. */
export async function applicationsNow(
  connection: Connection,
  namespace: string,
  signal: AbortSignal,
): Promise<{ applications: Known[]; now: number }> {
  let now = Date.now();
  const { items } = await list<Known>(
    connection,
    {
      action: `list SparkApplications in ${namespace}`,
      path: applicationsPath(namespace),
      onReply: ({ headers }) => (now = serverTime(headers) ?? now),
    },
    signal,
  );
  return { applications: items, now };
}

async function read(connection: Connection, namespace: string, signal: AbortSignal): Promise<Crowd> {
  const { applications, now } = await applicationsNow(connection, namespace, signal);
  return crowdOf(applications, now);
}
