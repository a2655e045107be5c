/**
 * How soon a change in the cluster is recorded, beside how soon a bare watch of the same run tells of it; how many applications are
 * submitted in a second; what we ask of the API server; and the memory that 10,000 applications take. On an API server of its own.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { call } from "../orchestrator/kubernetes/call.ts";
import { connect, type Connection } from "../orchestrator/kubernetes/connection.ts";
import { readKubeconfig } from "../orchestrator/kubernetes/kubeconfig.ts";
import { list } from "../orchestrator/kubernetes/list.ts";
import type { Pod } from "../orchestrator/kubernetes/objects.ts";
import { reflector } from "../orchestrator/kubernetes/reflector.ts";
import { type ControlPlane, NAMESPACE, startControlPlane, SUBMITTER, writeKubeconfig } from "../test/control-plane.ts";
import { type Application, driverOf } from "../test/fake-operator-objects.ts";
import { readAudit } from "../test/faults/audit.ts";
import { type Child, startChild } from "./child.ts";
import { quantile, type Figure } from "./figure.ts";
import { many } from "./many.ts";
import { memory } from "./track-memory.ts";

/** Runs, and applications of each: what a busy namespace has at once. */
const RUNS = 30;
const STEPS = 10;
const APPLICATIONS = RUNS * STEPS;
const CHANGES_PER_S = 50;
const PATIENCE_MS = 120_000;
const NODE = "bench-node";
const MERGE = "application/merge-patch+json";
const APPLICATIONS_PATH = `/apis/sparkoperator.k8s.io/v1beta2/namespaces/${NAMESPACE}/sparkapplications`;
const PODS_PATH = `/api/v1/namespaces/${NAMESPACE}/pods`;
const never = new AbortController().signal;

/** Figures as they become known. Throws MissingError when the programs of an API server are not built. */
export async function* track(): AsyncIterable<Figure> {
  const home = mkdtempSync(join(tmpdir(), "sparkwright-bench-track-"));
  const plane = await startControlPlane(join(home, "control-plane"));
  const connection = connect(readKubeconfig({ file: plane.kubeconfig }));
  const submitter = join(home, "submitter");
  writeKubeconfig(submitter, plane.url, plane.ca, plane.tokens.submitter);
  try {
    await call(
      connection,
      {
        method: "POST",
        path: `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`,
        body: { metadata: { name: "default" } },
        action: "create account",
      },
      never,
    );
    yield* changes(connection, submitter, home, plane);
    yield* memory(connection, submitter);
  } finally {
    await connection.close();
    await plane.stop();
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** By application: when it was to be seen that its driver runs, and that it has ended. */
type Moments = Map<string, Partial<Record<"Running" | "Ended", number>>>;

async function* changes(
  connection: Connection,
  kubeconfig: string,
  home: string,
  plane: ControlPlane,
): AsyncIterable<Figure> {
  const child = startChild("track-drive.ts", [join(home, "stores"), kubeconfig, String(RUNS), String(STEPS)]);
  try {
    yield* await measured(connection, child, plane);
  } finally {
    await child.stop();
  }
}

async function measured(connection: Connection, child: Child, plane: ControlPlane): Promise<Figure[]> {
  const recorded: Moments = new Map();
  const began = await child.until<{ startedAt: number }>((told) => "startedAt" in told);
  child.onLine<{ application: string; phase: "Running" | "Ended"; at: number }>(({ application, phase, at }) => {
    if (application !== undefined) mark(recorded, application, phase, at);
  });
  const applications = await untilSubmitted(connection);
  const submitting = await child.until<{ submittedAt: number }>((told) => "submittedAt" in told);
  await many(applications, 16, (application) => begin(connection, application));
  // Before the last change: the process ends with its runs.
  const connections = child.sockets();
  const { patched, watched } = await change(connection, applications, recorded);
  const { calls } = await readAudit(plane.auditLog, SUBMITTER);
  const of = (prefix: RegExp) =>
    [...calls].reduce((sum, [key, count]) => sum + (prefix.test(key) ? count : 0), 0) / APPLICATIONS;
  const latencies = (moments: Moments) => gaps(patched, moments);
  const ours = latencies(recorded);
  const floor = latencies(watched);
  return [
    {
      name: "submit.per_s",
      value: (1000 * APPLICATIONS) / (submitting.submittedAt - began.startedAt),
      unit: "1/s",
      bound: { atLeast: 50 },
    },
    { name: "track.floor_p50_ms", value: quantile(floor, 0.5), unit: "ms" },
    { name: "track.floor_p99_ms", value: quantile(floor, 0.99), unit: "ms" },
    { name: "track.p50_ms", value: quantile(ours, 0.5), unit: "ms", bound: { atMost: 15 } },
    { name: "track.p99_ms", value: quantile(ours, 0.99), unit: "ms", bound: { atMost: 250 } },
    { name: "track.lost", value: 2 * APPLICATIONS - ours.length, unit: "", bound: { atMost: 0 } },
    { name: "track.connections", value: connections, unit: "" },
    { name: "writes.per_app", value: of(/^(create|update|patch|delete) /), unit: "", bound: { atMost: 4 } },
    ...["create", "delete", "get", "list", "watch"].map((verb) => ({
      name: `calls.${verb}.per_app`,
      value: of(new RegExp(`^${verb} `)),
      unit: "",
    })),
  ];
}

async function untilSubmitted(connection: Connection): Promise<Application[]> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const options = { action: "list applications", path: APPLICATIONS_PATH };
    const { items } = await list<Application>(connection, options, never);
    if (items.length >= APPLICATIONS) return items;
    if (performance.now() > until) throw new Error(`Cannot measure: only ${items.length} applications were submitted`);
    await delay(100);
  }
}

/** What operator and scheduler do before a driver runs. */
async function begin(connection: Connection, application: Application): Promise<void> {
  const body = driverOf(application, { node: NODE });
  await call(connection, { method: "POST", path: PODS_PATH, body, action: "create driver" }, never);
  const status = { applicationState: { state: "SUBMITTED" }, driverInfo: {}, executionAttempts: 1 };
  const path = `${APPLICATIONS_PATH}/${application.metadata.name}/status`;
  await call(connection, { method: "PATCH", path, body: { status }, contentType: MERGE, action: "report" }, never);
}

/** Lets each driver start and end, so many changes a second; tells when each was asked for, and when a watch of our own showed it. */
async function change(connection: Connection, applications: Application[], recorded: Moments) {
  const [patched, watched]: [Moments, Moments] = [new Map(), new Map()];
  const stop = new AbortController();
  const copy = reflector<Pod>(connection, {
    action: "list pods",
    path: PODS_PATH,
    labelSelector: "spark-role=driver",
    onChange(key) {
      const pod = copy.objects.get(key);
      const state = pod?.status?.containerStatuses?.[0]?.state;
      const phase = state?.terminated ? "Ended" : state?.running ? "Running" : undefined;
      const name = pod?.metadata.labels?.["spark-app-name"];
      if (phase !== undefined && name !== undefined) mark(watched, name, phase, now());
    },
  });
  const following = copy.run(stop.signal);
  await until(() => copy.objects.size >= APPLICATIONS, "its own watch shows all drivers");
  const sent: Promise<unknown>[] = [];
  for (const phase of ["Running", "Ended"] as const) {
    for (const { metadata } of applications) {
      const next = delay(1000 / CHANGES_PER_S);
      mark(patched, metadata.name, phase, now());
      sent.push(report(connection, metadata.name, phase));
      await next;
    }
    await Promise.all(sent);
    const all = (moments: Moments) => [...moments.values()].filter((one) => one[phase] !== undefined).length;
    await until(() => all(recorded) >= APPLICATIONS && all(watched) >= APPLICATIONS, `${phase} is recorded`);
  }
  stop.abort();
  await following;
  return { patched, watched };
}

function report(connection: Connection, name: string, phase: "Running" | "Ended"): Promise<unknown> {
  const startedAt = new Date().toISOString();
  const state =
    phase === "Running"
      ? { running: { startedAt } }
      : { terminated: { exitCode: 1, reason: "Error", startedAt, finishedAt: startedAt } };
  const status = {
    phase: phase === "Running" ? "Running" : "Failed",
    containerStatuses: [
      { name: "spark-kubernetes-driver", state, image: "i", imageID: "i", ready: true, restartCount: 0 },
    ],
  };
  const path = `${PODS_PATH}/${name}-driver/status`;
  return call(connection, { method: "PATCH", path, body: { status }, contentType: MERGE, action: "report" }, never);
}

function mark(moments: Moments, application: string, phase: "Running" | "Ended", at: number): void {
  moments.set(application, { [phase]: at, ...moments.get(application) });
}

function gaps(from: Moments, to: Moments): number[] {
  return [...from].flatMap(([name, begun]) =>
    (["Running", "Ended"] as const).flatMap((phase) => {
      const [begin, end] = [begun[phase], to.get(name)?.[phase]];
      return begin === undefined || end === undefined ? [] : [end - begin];
    }),
  );
}

/** Epoch ms with a fraction, the same in all processes of a machine. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

async function until(isSo: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`Cannot measure: not within ${PATIENCE_MS / 1000} s: ${what}`);
    await delay(10);
  }
}
