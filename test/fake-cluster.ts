/** A namespace of a real API server with operator and node played by this process, and applications that behave there as asked. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { call } from "../orchestrator/kubernetes/call.ts";
import { connect, type Connection } from "../orchestrator/kubernetes/connection.ts";
import { readKubeconfig } from "../orchestrator/kubernetes/kubeconfig.ts";
import { applicationName } from "../orchestrator/names.ts";
import type { SparkApp } from "../orchestrator/spark-app.ts";
import { type Kubelet, startKubelet } from "./fake-kubelet.ts";
import { type Conduct, type Operator, startOperator } from "./fake-operator.ts";
import { clusterTarget, sampleApp } from "./sample-app.ts";

export interface FakeCluster {
  connection: Connection;
  namespace: string;
  start: () => Promise<void>;
  stop: () => Promise<void>;
  /** A new application whose driver behaves so (stand-in-driver.ts), under an operator of this conduct. */
  app: (behaviour: string, conduct?: Conduct) => SparkApp;
  /** By name of an application: the state in which the container of its driver stays, in place of a process. */
  states: Map<string, { state: object; phase?: string }>;
  /** Drivers created, by application. */
  drivers: () => Map<string, number>;
}

const never = new AbortController().signal;

/** Throws when no cluster is named. */
export function fakeCluster(): FakeCluster {
  const file = process.env["SPARKWRIGHT_TEST_KUBECONFIG"];
  if (file === undefined)
    throw new Error(
      "Cannot test on a cluster: set SPARKWRIGHT_TEST_KUBECONFIG to a kubeconfig that may create namespaces",
    );
  const connection = connect(readKubeconfig({ file }));
  const namespace = `sparkwright-test-${randomBytes(3).toString("hex")}`;
  const node = `${namespace}-node`;
  const conducts = new Map<string, Conduct>();
  const behaviours = new Map<string, string>();
  const states: FakeCluster["states"] = new Map();
  let operator: Operator | undefined;
  let kubelet: Kubelet | undefined;
  let count = 0;

  const send = (method: "POST" | "DELETE", path: string, body?: object) =>
    call(connection, { method, path, body, action: `${method} ${path}` }, never);

  return {
    connection,
    namespace,
    states,
    drivers: () => operator?.drivers ?? new Map(),

    async start() {
      await send("POST", "/api/v1/namespaces", { metadata: { name: namespace } });
      // Made by a controller manager as well, where there is one.
      await send("POST", `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: "default" } }).catch(
        () => undefined,
      );
      operator = startOperator({ connection, namespace, node, conductOf: (name) => conducts.get(name) ?? {} });
      kubelet = await startKubelet({
        connection,
        node,
        namespace,
        contentOf({ metadata }) {
          if (metadata.labels?.["spark-role"] === "executor")
            return { command: [process.execPath, "-e", "setInterval(() => {}, 1000)"] };
          const name = metadata.labels?.["sparkoperator.k8s.io/app-name"] ?? "";
          const driver = join(import.meta.dirname, "stand-in-driver.ts");
          return states.get(name) ?? { command: [process.execPath, driver, behaviours.get(name) ?? "succeeds"] };
        },
      });
    },

    async stop() {
      await operator?.stop();
      await kubelet?.stop();
      await send("DELETE", `/api/v1/namespaces/${namespace}`);
      await send("DELETE", `/api/v1/nodes/${node}`);
      await connection.close();
    },

    app(behaviour, conduct = {}) {
      const run = `contract-${++count}`;
      const app = sampleApp({ name: applicationName(run, "features", 1), run, target: clusterTarget({ namespace }) });
      behaviours.set(app.name, behaviour);
      conducts.set(app.name, conduct);
      return app;
    },
  };
}
