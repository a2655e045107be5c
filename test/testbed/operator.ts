/** The real Spark operator, as a process beside the cluster, under its own account. It starts one JVM for each submission. */
import { join } from "node:path";
import { quickOptions } from "../../scripts/spark-archive.mjs";
import { program } from "./build.ts";
import { SPARK_JARS } from "./image.ts";
import type { Part } from "./part.ts";
import { NAMESPACE, PORTS, kubeconfig, sitePackages } from "./places.ts";
import { accounts } from "./s3.ts";

export function operator(): Part {
  const account = kubeconfig("spark-operator-controller");
  return {
    name: "spark-operator",
    command: program("spark-operator"),
    args: [
      "controller",
      "start",
      `--namespaces=${NAMESPACE}`,
      "--leader-election=false",
      `--health-probe-bind-address=127.0.0.1:${PORTS.operatorHealth}`,
      "--enable-metrics",
      `--metrics-bind-address=127.0.0.1:${PORTS.operatorMetrics}`,
      "--enable-ui-service=false",
      "--zap-log-level=info",
    ],
    env: {
      KUBECONFIG: account,
      // Its spark-submit takes the API server from here, as it would inside a pod, and the credentials from the file above.
      KUBERNETES_SERVICE_HOST: "127.0.0.1",
      KUBERNETES_SERVICE_PORT: String(PORTS.api),
      SPARK_HOME: join(sitePackages(), "pyspark"),
      // Spark looks up the addresses of Python archives before it starts a driver, so the submitter needs to read them.
      SPARK_DIST_CLASSPATH: join(SPARK_JARS, "*"),
      // A submission is mostly the start of its virtual machine.
      JDK_JAVA_OPTIONS: quickOptions(),
      AWS_ACCESS_KEY_ID: accounts().jobs.access,
      AWS_SECRET_ACCESS_KEY: accounts().jobs.secret,
    },
    reads: [account],
    missing: async () => {
      const answer = await fetch(`http://127.0.0.1:${PORTS.operatorHealth}/readyz`).catch(() => undefined);
      return answer?.ok === true ? undefined : "its readiness check does not answer";
    },
    readyWithinMs: 60_000,
  };
}
