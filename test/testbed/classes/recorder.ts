/** Writes down what a cluster shows of an application over time: the operator's object, pods, warnings. Only what we read of them. */
import type { SparkApplication } from "../../../orchestrator/backends/kubeflow-evidence.ts";
import { lostNodes } from "../../../orchestrator/backends/kubeflow-room.ts";
import type { Connection } from "../../../orchestrator/kubernetes/connection.ts";
import type { KubeEvent, KubeObject, Node, Pod } from "../../../orchestrator/kubernetes/objects.ts";
import { reflector } from "../../../orchestrator/kubernetes/reflector.ts";

/** One change. */
export interface Moment {
  /** Since the application was first seen. */
  afterMs: number;
  application?: Pick<SparkApplication, "status" | "spec">;
  driver?: Pod;
  executor?: Pod;
  warning?: string;
  /** Nodes that no longer answer, all of them. */
  lostNodes?: string[];
  /** `application`, `driver` or the name of an executor. */
  gone?: string;
}

export interface Recorder {
  /** What was seen of a run's objects so far. */
  momentsOf: (run: string) => Moment[];
  stop: () => Promise<void>;
}

const RUN = "sparkwright.dev/run";

interface Book {
  began: number;
  moments: Moment[];
  /** By name: what was written last, to write changes only. */
  last: Map<string, string>;
}

type Write = (run: string, name: string, moment: Omit<Moment, "afterMs">) => void;

/** Follows what bears the label until stopped. */
export function record(connection: Connection, namespace: string, labelSelector: string): Recorder {
  const control = new AbortController();
  const books = new Map<string, Book>();
  const write: Write = (run, name, moment) => {
    const book = books.get(run) ?? { began: Date.now(), moments: [], last: new Map<string, string>() };
    books.set(run, book);
    const text = JSON.stringify(moment);
    if (book.last.get(name) === text) return;
    book.last.set(name, text);
    book.moments.push({ afterMs: Date.now() - book.began, ...moment });
  };
  const follow: Follow = (path, take, more = {}) => {
    const copy = reflector(connection, {
      action: `follow ${path}`,
      path,
      ...more,
      onChange: (key) => take(copy.objects.get(key), key.slice(key.lastIndexOf("/") + 1)),
    });
    return copy.run(control.signal);
  };
  const nodes = reflector<Node>(connection, {
    action: "follow nodes",
    path: "/api/v1/nodes",
    onChange() {
      const lost = [...lostNodes([...nodes.objects.values()])];
      for (const [run, { last }] of books)
        if (lost.length > 0 || last.has("nodes")) write(run, "nodes", { lostNodes: lost });
    },
  });
  const following = [
    followApplications(follow, namespace, labelSelector, write),
    ...followPods(follow, namespace, labelSelector, write),
    nodes.run(control.signal),
  ];
  return {
    momentsOf: (run) => books.get(run)?.moments ?? [],
    async stop() {
      control.abort();
      await Promise.all(following);
    },
  };
}

/** Calls with an object that came or changed, or without one and its name when it went. */
type Follow = (
  path: string,
  take: (object: KubeObject | undefined, name: string) => void,
  more?: { labelSelector?: string },
) => Promise<void>;

function followApplications(follow: Follow, namespace: string, labelSelector: string, write: Write): Promise<void> {
  const runs = new Map<string, string>();
  const take = (object: (SparkApplication & KubeObject) | undefined, name: string): void => {
    const run = object?.metadata.labels?.[RUN] ?? runs.get(name);
    if (run === undefined) return;
    runs.set(name, run);
    write(run, name, object === undefined ? { gone: "application" } : { application: applicationOf(object) });
  };
  const path = `/apis/sparkoperator.k8s.io/v1beta2/namespaces/${namespace}/sparkapplications`;
  return follow(path, take, { labelSelector });
}

function followPods(follow: Follow, namespace: string, labelSelector: string, write: Write): Promise<void>[] {
  const pods = new Map<string, { run: string; role: string }>();
  const takePod = (object: Pod | undefined, name: string): void => {
    const labels = object?.metadata.labels ?? {};
    const { run, role } = pods.get(name) ?? { run: labels[RUN], role: labels["spark-role"] };
    if (run === undefined || role === undefined) return;
    pods.set(name, { run, role });
    const shown = role === "driver" ? "driver" : name;
    write(run, name, object === undefined ? { gone: shown } : { [role]: podOf(object) });
  };
  const takeEvent = (event: KubeEvent | undefined, name: string): void => {
    const run = pods.get(event?.involvedObject?.name ?? "")?.run;
    if (run === undefined || event?.type !== "Warning") return;
    write(run, name, { warning: `${event.reason ?? ""}: ${event.message ?? ""}` });
  };
  const core = `/api/v1/namespaces/${namespace}`;
  return [follow(`${core}/pods`, takePod, { labelSelector }), follow(`${core}/events`, takeEvent)];
}

function applicationOf({ spec, status }: SparkApplication): NonNullable<Moment["application"]> {
  const size = (role: "driver" | "executor") => {
    const { memory = "", memoryOverhead = "" } = spec?.[role] ?? {};
    return { memory, memoryOverhead };
  };
  const { applicationState, executionAttempts, terminationTime, driverInfo } = status ?? {};
  return {
    spec: { driver: size("driver"), executor: size("executor") },
    status: {
      ...(applicationState && { applicationState }),
      ...(executionAttempts !== undefined && { executionAttempts }),
      ...(terminationTime && { terminationTime }),
      ...(driverInfo?.podName && { driverInfo: { podName: driverInfo.podName } }),
    },
  };
}

/** What `orchestrator/kubernetes/objects.ts` names of a pod, and no more. */
function podOf({ metadata, spec, status }: Pod): Pod {
  const { name, namespace, deletionTimestamp, labels } = metadata;
  const kept = ["spark-role", "spark-exec-id"].flatMap((key) => (labels?.[key] ? [[key, labels[key]] as const] : []));
  const { phase, reason, message, startTime, conditions, containerStatuses } = status ?? {};
  return {
    metadata: {
      name,
      ...(namespace && { namespace }),
      ...(deletionTimestamp && { deletionTimestamp }),
      labels: Object.fromEntries(kept),
    },
    spec: {
      ...(spec?.nodeName && { nodeName: spec.nodeName }),
      containers: (spec?.containers ?? []).map(({ name: container, resources }) => ({
        name: container,
        ...(resources && { resources: { ...pick(resources, "requests"), ...pick(resources, "limits") } }),
      })),
    },
    status: {
      ...(phase && { phase }),
      ...(reason && { reason }),
      ...(message && { message }),
      ...(startTime && { startTime }),
      ...(conditions && {
        conditions: conditions.map(({ type, status: is, reason: why, message: words }) => ({
          type,
          status: is,
          ...(why && { reason: why }),
          ...(words && { message: words }),
        })),
      }),
      ...(containerStatuses && {
        containerStatuses: containerStatuses.map(({ name: container, state }) => ({
          name: container,
          ...(state && { state: stateOf(state) }),
        })),
      }),
    },
  };
}

type State = NonNullable<NonNullable<NonNullable<Pod["status"]>["containerStatuses"]>[number]["state"]>;

/** Without the container's identity. */
function stateOf({ waiting, running, terminated }: State): State {
  if (terminated !== undefined) {
    const { exitCode, signal, reason, message, startedAt, finishedAt } = terminated;
    return {
      terminated: {
        exitCode,
        ...(signal && { signal }),
        ...(reason && { reason }),
        ...(message && { message }),
        ...(startedAt && { startedAt }),
        ...(finishedAt && { finishedAt }),
      },
    };
  }
  return { ...(waiting && { waiting }), ...(running && { running }) };
}

function pick<T extends object, K extends keyof T>(from: T, key: K): Partial<T> {
  return from[key] === undefined ? {} : ({ [key]: from[key] } as unknown as Partial<T>);
}
