/**
 * A node without containers: a process of this machine stands for each container, its exit for the container's end, its output for the
 * log, which the real API server fetches from here as from any kubelet. Or a function stands for it. For tests on an API server that has no nodes.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { call } from "../orchestrator/kubernetes/call.ts";
import type { Connection } from "../orchestrator/kubernetes/connection.ts";
import type { Pod } from "../orchestrator/kubernetes/objects.ts";
import { reflector } from "../orchestrator/kubernetes/reflector.ts";
import { bearers, signalTo } from "../orchestrator/process.ts";
import { selfSigned } from "./certificate.ts";

export type Content =
  /** Words of a command. */
  | { command: string[] }
  /** The state in which the container stays. */
  | { state: object; conditions?: object[]; phase?: string }
  /** What it does; rejects when its pod is deleted. */
  | { work: (signal: AbortSignal) => Promise<Ending> };

/** How a container ends, how its pod ends as a whole, or that it goes without a word. */
export type Ending = { exitCode: number; reason?: string; message?: string } | { evicted: string } | { vanishes: true };

export interface KubeletOptions {
  connection: Connection;
  node: string;
  namespace: string;
  contentOf: (pod: Pod) => Content;
}

interface Running {
  /** Of the pod. */
  name: string;
  process?: ChildProcess;
  /** Ends what is no process. */
  stop?: AbortController;
  container: string;
  startedAt: string;
  lines: string[];
  ended: boolean;
}

const MARKER = "SPARKWRIGHT_FAKE_POD";
const MERGE = "application/merge-patch+json";

export interface Kubelet {
  stop: () => Promise<void>;
}

export async function startKubelet(options: KubeletOptions): Promise<Kubelet> {
  const control = new AbortController();
  const { signal } = control;
  const pods = new Map<string, Running>();
  const server = await logServer(pods);
  await register(options, (server.address() as AddressInfo).port, signal);
  const known = new Set<string>();
  const busy: Promise<unknown>[] = [];
  const copy = reflector<Pod>(options.connection, {
    action: "list pods",
    path: `/api/v1/namespaces/${options.namespace}/pods`,
    fieldSelector: `spec.nodeName=${options.node}`,
    onChange(key) {
      const pod = copy.objects.get(key);
      if (pod === undefined) return;
      const uid = pod.metadata.uid ?? "";
      if (pod.metadata.deletionTimestamp !== undefined) busy.push(end(options, pod, pods.get(uid), signal));
      else if (!known.has(uid)) {
        known.add(uid);
        busy.push(start(options, pod, pods, signal));
      }
    },
  });
  const following = copy.run(signal);
  return {
    async stop() {
      control.abort();
      await following;
      // What still runs would be waited for.
      for (const [uid, running] of pods) kill(uid, running);
      await Promise.allSettled(busy);
      server.closeAllConnections();
      server.close();
    },
  };
}

async function register({ connection, node }: KubeletOptions, port: number, signal: AbortSignal): Promise<void> {
  const object = {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: node, labels: { "kubernetes.io/hostname": node } },
  };
  await call(connection, { method: "POST", path: "/api/v1/nodes", body: object, action: "create node" }, signal);
  const now = new Date().toISOString();
  const status = {
    addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
    allocatable: { cpu: "8", memory: "16Gi", pods: "110" },
    capacity: { cpu: "8", memory: "16Gi", pods: "110" },
    conditions: [{ type: "Ready", status: "True", reason: "Fake", lastHeartbeatTime: now, lastTransitionTime: now }],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
  };
  const path = `/api/v1/nodes/${node}/status`;
  await call(
    connection,
    { method: "PATCH", path, body: { status }, contentType: MERGE, action: "report node" },
    signal,
  );
}

async function start(
  options: KubeletOptions,
  pod: Pod,
  pods: Map<string, Running>,
  signal: AbortSignal,
): Promise<void> {
  const container = pod.spec?.containers?.[0]?.name ?? "";
  const content = options.contentOf(pod);
  if ("work" in content) return play(options, pod, pods, content.work, signal);
  if ("state" in content) {
    const { state, phase = "Pending", conditions } = content;
    await report(options, pod, { phase, conditions, containerStatuses: [statusOf(container, state)] }, signal);
    return;
  }
  const uid = pod.metadata.uid ?? "";
  const [program = "", ...words] = content.command;
  const child = spawn(program, words, {
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, [MARKER]: uid },
  });
  const running: Running = {
    name: pod.metadata.name,
    process: child,
    container,
    startedAt: new Date().toISOString(),
    lines: [],
    ended: false,
  };
  pods.set(uid, running);
  let rest = "";
  child.stdout.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    running.lines.push(...lines.map((line) => `${new Date().toISOString()} ${line}`));
  });
  const closed = new Promise<{ code: number | null; killed: NodeJS.Signals | null }>((resolve) => {
    child.once("close", (code, killed) => resolve({ code, killed }));
  });
  await report(
    options,
    pod,
    { phase: "Running", containerStatuses: [statusOf(container, { running: { startedAt: running.startedAt } })] },
    signal,
  );
  const { code, killed } = await closed;
  running.ended = true;
  const exitCode = killed === "SIGKILL" ? 137 : killed === null ? (code ?? 1) : 143;
  const terminated = {
    exitCode,
    reason: exitCode === 0 ? "Completed" : "Error",
    startedAt: running.startedAt,
    finishedAt: new Date().toISOString(),
  };
  await report(
    options,
    pod,
    { phase: exitCode === 0 ? "Succeeded" : "Failed", containerStatuses: [statusOf(container, { terminated })] },
    signal,
  );
}

/** A container that is a function of this process. */
async function play(
  options: KubeletOptions,
  pod: Pod,
  pods: Map<string, Running>,
  work: (signal: AbortSignal) => Promise<Ending>,
  signal: AbortSignal,
): Promise<void> {
  const { name, uid = "" } = pod.metadata;
  const container = pod.spec?.containers?.[0]?.name ?? "";
  const startedAt = new Date().toISOString();
  const stop = new AbortController();
  const running: Running = { name, stop, container, startedAt, lines: [], ended: false };
  pods.set(uid, running);
  const begun = statusOf(container, { running: { startedAt } });
  await report(options, pod, { phase: "Running", containerStatuses: [begun] }, signal);
  const ending = await work(AbortSignal.any([signal, stop.signal])).catch((error: unknown) => {
    if (!stop.signal.aborted && !signal.aborted) throw error;
  });
  running.ended = true;
  if (ending === undefined) return;
  if ("vanishes" in ending) return letGo(options, pod, signal);
  const finishedAt = new Date().toISOString();
  if ("evicted" in ending)
    return report(options, pod, { phase: "Failed", reason: "Evicted", message: ending.evicted }, signal);
  const terminated = { reason: ending.exitCode === 0 ? "Completed" : "Error", ...ending, startedAt, finishedAt };
  const phase = ending.exitCode === 0 ? "Succeeded" : "Failed";
  await report(options, pod, { phase, containerStatuses: [statusOf(container, { terminated })] }, signal);
}

function statusOf(name: string, state: object) {
  return { name, state, image: "fake", imageID: "fake", ready: "running" in state, restartCount: 0 };
}

async function report({ connection }: KubeletOptions, pod: Pod, status: object, signal: AbortSignal): Promise<void> {
  const path = `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}/status`;
  const request = {
    method: "PATCH",
    path,
    body: { status },
    contentType: MERGE,
    action: `report pod ${pod.metadata.name}`,
  } as const;
  try {
    // A pod that is gone needs no report.
    await call(connection, request, signal);
  } catch (error) {
    if (!signal.aborted) console.error(error);
  }
}

/** Ends everything that the pod's process has started, whatever session it moved to, then lets the pod go. */
async function end(
  options: KubeletOptions,
  pod: Pod,
  running: Running | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { uid = "" } = pod.metadata;
  if (running !== undefined) kill(uid, running);
  while (running?.process !== undefined && bearers(MARKER, uid).length > 0) await delay(10, undefined, { signal });
  await letGo(options, pod, signal);
}

/** The pod is gone from the books, as only its node may say. */
async function letGo({ connection }: KubeletOptions, { metadata }: Pod, signal: AbortSignal): Promise<void> {
  const path = `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`;
  const body = { kind: "DeleteOptions", apiVersion: "v1", gracePeriodSeconds: 0, preconditions: { uid: metadata.uid } };
  await call(connection, { method: "DELETE", path, body, action: `let pod ${metadata.name} go` }, signal).catch(
    () => undefined,
  );
}

function kill(uid: string, running: Running): void {
  running.stop?.abort();
  if (running.process === undefined) return;
  for (const pid of bearers(MARKER, uid)) signalTo(pid, "SIGKILL");
  running.process.kill("SIGKILL");
}

/** `/containerLogs/NAMESPACE/POD/CONTAINER` of the kubelet's API. */
async function logServer(pods: Map<string, Running>): Promise<Server> {
  const server = createServer(selfSigned(), (request, response) => {
    const url = new URL(request.url ?? "/", "https://localhost");
    const running = [...pods.values()].findLast(({ name }) => name === url.pathname.split("/")[3]);
    if (running === undefined) return void response.writeHead(404).end("container not found");
    const tail = url.searchParams.get("tailLines");
    const since = url.searchParams.get("sinceTime")?.slice(0, 19) ?? "";
    const stamped = url.searchParams.get("timestamps") === "true";
    const shown = (line: string) => `${stamped ? line : line.slice(line.indexOf(" ") + 1)}\n`;
    let at = tail === null ? 0 : Math.max(0, running.lines.length - Number(tail));
    const send = () => {
      for (; at < running.lines.length; at += 1) {
        const line = running.lines[at] ?? "";
        if (line.slice(0, 19) >= since) response.write(shown(line));
      }
    };
    response.writeHead(200, { "content-type": "text/plain" });
    send();
    if (url.searchParams.get("follow") !== "true") return void response.end();
    const timer = setInterval(() => {
      const { ended } = running;
      send();
      if (ended) response.end();
    }, 20);
    response.on("close", () => clearInterval(timer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
