/**
 * @module Copies of applications and their pods that follow the cluster, so that a change is known when it happens and looking costs no
 * request. A copy may lag behind: what it does not show may be there all the same, and is asked for before anything is concluded from it.
 */
import type { Connection } from "../kubernetes/connection.ts";
import type { KubeObject, Pod } from "../kubernetes/objects.ts";
import { reflector, type Reflector } from "../kubernetes/reflector.ts";
import { LABEL } from "../names.ts";
import type { SparkApp } from "../spark-app.ts";
import type { SparkApplication } from "./kubeflow-evidence.ts";
import { applicationsPath, podsInRoles, podsPath, type Pods } from "./kubeflow-objects.ts";
import { keptOfApplication, keptOfPod } from "./kubeflow-kept.ts";

export interface Sight extends Pods {
  application: SparkApplication;
}

export interface Copies {
  /** Keeps a copy for the run until aborted, and calls `wake` when something of the run changed. */
  follow(scope: Scope, wake: () => void, signal: AbortSignal): void;
  /** What a copy shows of an application; undefined when none shows it. */
  look(app: SparkApp): Sight | undefined;
}

export interface Scope {
  namespace: string;
  run: string;
}

export interface CopiesOptions {
  connection: () => Connection;
  /** One copy for each run, or one for all runs of a namespace: a controller's. Default: run. */
  extent?: "run" | "namespace" | undefined;
}

interface Copy {
  users: number;
  control: AbortController;
  applications: Reflector<SparkApplication>;
  pods: Reflector<Pod>;
  /** Keys of pods by the attempt they belong to, and the other way round. */
  podsOf: Map<string, Set<string>>;
  attemptOf: Map<string, string>;
  /** By run. */
  wakers: Map<string, Set<() => void>>;
}

export function copiesOf({ connection, extent = "run" }: CopiesOptions): Copies {
  const copies = new Map<string, Copy>();
  const keyOf = ({ namespace, run }: Scope) => (extent === "run" ? `${namespace}/${run}` : namespace);
  return {
    follow(scope, wake, signal) {
      if (signal.aborted) return;
      const key = keyOf(scope);
      const copy = copies.get(key) ?? startCopy(connection(), scope.namespace, selectorOf(extent, scope.run));
      copies.set(key, copy);
      copy.users += 1;
      const wakers = copy.wakers.get(scope.run) ?? new Set();
      copy.wakers.set(scope.run, wakers.add(wake));
      const stop = () => {
        wakers.delete(wake);
        if (wakers.size === 0) copy.wakers.delete(scope.run);
        copy.users -= 1;
        if (copy.users > 0) return;
        copies.delete(key);
        copy.control.abort();
      };
      signal.addEventListener("abort", stop, { once: true });
    },

    look(app) {
      const copy = copies.get(keyOf(app));
      const application = copy?.applications.objects.get(`${app.namespace}/${app.name}`);
      if (copy === undefined || application === undefined) return undefined;
      const keys = [...(copy.podsOf.get(`${app.run}/${app.step}/${app.attempt}`) ?? [])];
      const pods = keys.map((key) => copy.pods.objects.get(key)).filter((pod) => pod !== undefined);
      return { application, ...podsInRoles(pods) };
    },
  };
}

function selectorOf(extent: "run" | "namespace", run: string): string {
  return extent === "run" ? `${LABEL.run}=${run}` : `${LABEL.managedBy}=sparkwright`;
}

function startCopy(connection: Connection, namespace: string, labelSelector: string): Copy {
  const control = new AbortController();
  const copy: Copy = {
    users: 0,
    control,
    podsOf: new Map(),
    attemptOf: new Map(),
    wakers: new Map(),
    applications: reflector<SparkApplication>(connection, {
      action: `list SparkApplications in ${namespace}`,
      path: applicationsPath(namespace),
      labelSelector,
      keep: keptOfApplication,
      onChange: (key) => wake(copy, runOf(copy.applications.objects.get(key))),
    }),
    pods: reflector<Pod>(connection, {
      action: `list pods in ${namespace}`,
      path: podsPath(namespace),
      labelSelector,
      keep: keptOfPod,
      onChange: (key) => onPod(copy, key),
    }),
  };
  void copy.applications.run(control.signal);
  void copy.pods.run(control.signal);
  return copy;
}

function onPod(copy: Copy, key: string): void {
  const pod = copy.pods.objects.get(key);
  const attempt = pod === undefined ? copy.attemptOf.get(key) : attemptOf(pod);
  if (attempt === undefined) return;
  const keys = copy.podsOf.get(attempt) ?? new Set();
  if (pod === undefined) {
    keys.delete(key);
    copy.attemptOf.delete(key);
  } else {
    keys.add(key);
    copy.attemptOf.set(key, attempt);
  }
  if (keys.size === 0) copy.podsOf.delete(attempt);
  else copy.podsOf.set(attempt, keys);
  wake(copy, attempt.split("/")[0]);
}

/** An application that is gone no longer tells whose it was: everybody looks. */
function wake({ wakers }: Copy, run: string | undefined): void {
  const concerned = run === undefined ? [...wakers.values()] : [wakers.get(run) ?? []];
  for (const some of concerned) for (const one of some) one();
}

function attemptOf({ metadata }: KubeObject): string {
  const label = (key: string) => metadata.labels?.[key] ?? "";
  return `${label(LABEL.run)}/${label(LABEL.step)}/${label(LABEL.attempt)}`;
}

function runOf(object: KubeObject | undefined): string | undefined {
  return object?.metadata.labels?.[LABEL.run];
}
