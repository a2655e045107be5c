/** What is concluded from a copy that lags behind the cluster, or from a list that is old. */
import { afterEach, expect, test, vi } from "vitest";
import { kubeflowBackend } from "../orchestrator/backends/kubeflow-cluster.ts";
import type { Pod } from "../orchestrator/kubernetes/objects.ts";
import { labels } from "../orchestrator/backends/kubeflow.ts";
import { list } from "../orchestrator/kubernetes/list.ts";
import { apiServer, type ApiServer, json, refuse } from "./api-server.ts";
import { application, ended, pod, running } from "./pods.ts";
import { sampleApp } from "./sample-app.ts";

const app = sampleApp();
const LOG = "2026-11-23T00:11:22.123456789Z last words\n";
const scope = { namespace: app.namespace, run: app.run };
let server: ApiServer;
let stop = new AbortController();
afterEach(async () => {
  stop.abort();
  stop = new AbortController();
  await server.close();
});

const version = (at: number) => ({ resourceVersion: String(at) });
const theApplication = (state: string, at: number) => ({
  ...application(state),
  metadata: { name: app.name, namespace: app.namespace, uid: "u", labels: labels(app), ...version(at) },
});
const theDriver = (state: Parameters<typeof pod>[1], at: number): Pod => ({
  ...pod("driver", state),
  metadata: {
    name: `${app.name}-driver`,
    namespace: app.namespace,
    uid: "p",
    labels: { ...labels(app), "spark-role": "driver" },
    ...version(at),
  },
});

interface Answers {
  /** What the copies are filled with, and what is answered to who asks. */
  copied: { applications: object[]; pods: object[] };
  asked: { application?: object; pods: object[][]; version?: number };
}

/** Follows the run on a server with these answers, until the copies are there. */
async function follow({ copied, asked }: Answers) {
  let [lists, watches] = [0, 0];
  server = await apiServer((request, response) => {
    const url = new URL(request.url ?? "/", "https://localhost");
    const isPods = url.pathname.endsWith("/pods");
    // Copies follow a whole run, questions are about one attempt.
    const isCopy = url.searchParams.get("labelSelector") === `sparkwright.dev/run=${app.run}`;
    if (url.searchParams.has("watch")) {
      watches += 1;
      return response.writeHead(200).flushHeaders();
    }
    if (isCopy)
      return json(response, 200, { metadata: version(10), items: isPods ? copied.pods : copied.applications });
    if (url.pathname.endsWith("/log")) return void response.end(LOG);
    if (isPods) {
      const items = asked.pods[Math.min(lists++, asked.pods.length - 1)];
      return json(response, 200, { metadata: version((asked.version ?? 20) + lists), items });
    }
    if (asked.application === undefined)
      return refuse(response, 404, "NotFound", "not found", { kind: "sparkapplications" });
    return json(response, 200, asked.application);
  });
  const backend = kubeflowBackend({}, { connection: server.connection, missingMs: 0 });
  const wake = vi.fn<() => void>();
  backend.follow(scope, wake, stop.signal);
  await vi.waitFor(() => expect(watches).toBe(2), { timeout: 10_000, interval: 5 });
  return { backend, wake, observe: () => backend.observe(app, stop.signal), lists: () => lists };
}

test("what the copy shows costs no request", async () => {
  const { observe, wake, lists } = await follow({
    copied: { applications: [theApplication("RUNNING", 1)], pods: [theDriver(running, 2)] },
    asked: { pods: [] },
  });
  expect(wake).toHaveBeenCalled();
  expect(await observe()).toMatchObject({ phase: "Running", where: expect.stringContaining("pod offers/") });
  expect(lists()).toBe(0);
});

test("an application that the copy does not show yet is asked for before it counts as absent", async () => {
  const { observe } = await follow({
    copied: { applications: [], pods: [] },
    asked: { application: theApplication("SUBMITTED", 15), pods: [[theDriver(running, 16)]] },
  });
  expect(await observe()).toMatchObject({ phase: "Running" });
});

test("FAILED without a driver in the copy is no failure while the driver runs", async () => {
  const { observe } = await follow({
    copied: { applications: [theApplication("FAILED", 9)], pods: [] },
    asked: { application: theApplication("FAILED", 9), pods: [[theDriver(running, 8)]] },
  });
  expect(await observe()).toMatchObject({ phase: "Running" });
});

test("pods from before the application last changed are asked for again", async () => {
  const { observe, lists } = await follow({
    copied: { applications: [], pods: [] },
    asked: { application: theApplication("FAILED", 23), pods: [[], [], [theDriver(ended(0), 22)]], version: 20 },
  });
  expect(await observe()).toMatchObject({ phase: "Ended", exitCode: 0 });
  expect(lists()).toBe(3);
});

test("the log of a driver that came and ended between two looks is read", async () => {
  const { backend } = await follow({
    copied: { applications: [], pods: [] },
    asked: { application: theApplication("COMPLETED", 15), pods: [[], [theDriver(ended(0), 16)]] },
  });
  const lines: string[] = [];
  for await (const line of backend.logs(app, { follow: true }, stop.signal)) lines.push(line);
  expect(lines).toEqual(["last words"]);
});

test("a list that is older than one before is asked for again", async () => {
  let at = 0;
  const versions = [50, 40, 60];
  server = await apiServer((_, response) => json(response, 200, { metadata: version(versions[at++] ?? 0), items: [] }));
  const ask = () => list(server.connection, { action: "list pods", path: "/pods" }, stop.signal);
  expect((await ask()).resourceVersion).toBe("50");
  expect((await ask()).resourceVersion).toBe("60");
});
