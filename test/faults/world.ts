/** Operator and node for the tales: they do to each application what its tale says. */
import { call } from "../../orchestrator/kubernetes/call.ts";
import { connect } from "../../orchestrator/kubernetes/connection.ts";
import { readKubeconfig } from "../../orchestrator/kubernetes/kubeconfig.ts";
import type { Pod } from "../../orchestrator/kubernetes/objects.ts";
import { applicationName } from "../../orchestrator/names.ts";
import { type ControlPlane, NAMESPACE } from "../control-plane.ts";
import { type Content, startKubelet } from "../fake-kubelet.ts";
import { type Conduct as OperatorConduct, startOperator } from "../fake-operator.ts";
import { driverOf } from "./driver.ts";
import type { Attempt, Conduct, Tale } from "./tale.ts";

export interface World {
  /** From now on the tale's applications meet their fate. */
  add: (tale: Tale) => void;
  stop: () => Promise<void>;
}

const NODE = "faults-node";
const REFUSAL = "failed to submit spark application: failed to run spark-submit: ";

const CONDUCTS: Record<Conduct, OperatorConduct> = {
  plain: {},
  late: { lateMs: 800 },
  tardy: { saysLateMs: 700 },
  mute: { mute: true },
  stuck: { stuck: true },
  "claims FAILED": { claims: "FAILED" },
  "claims COMPLETED": { claims: "COMPLETED" },
  resubmits: { resubmits: true },
  "cleans up": { forgets: true },
  ignores: { ignores: true },
  refuses: { refuses: `${REFUSAL}Exception in thread "main" java.net.SocketTimeoutException: timeout` },
  "lacks quota": {
    refuses: `${REFUSAL}pods "driver" is forbidden: exceeded quota: compute, requested: memory=2Gi, used: memory=7Gi, limited: memory=8Gi.`,
  },
};

/** What an attempt meets that no tale knows of: one more than there should be. */
const UNKNOWN: Attempt = { deed: "succeeds", conduct: "plain" };

export async function startWorld({ kubeconfig }: ControlPlane): Promise<World> {
  const connection = connect(readKubeconfig({ file: kubeconfig }));
  const attempts = new Map<string, Attempt>();
  const attemptOf = (name: string) => attempts.get(name) ?? UNKNOWN;
  const never = new AbortController().signal;
  const path = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`;
  const account = { metadata: { name: "default" } };
  await call(connection, { method: "POST", path, body: account, action: "create account" }, never);
  const place = { connection, namespace: NAMESPACE, node: NODE };
  const operator = startOperator({ ...place, conductOf: (name) => CONDUCTS[attemptOf(name).conduct] });
  const kubelet = await startKubelet({ ...place, contentOf: (pod) => contentOf(pod, attemptOf) });
  return {
    add({ run, steps }) {
      for (const step of steps)
        for (const [at, attempt] of step.attempts.entries())
          attempts.set(applicationName(run, step.name, at + 1), attempt);
    },
    async stop() {
      await operator.stop();
      await kubelet.stop();
      await connection.close();
    },
  };
}

function contentOf(pod: Pod, attemptOf: (name: string) => Attempt): Content {
  const attempt = attemptOf(pod.metadata.labels?.["sparkoperator.k8s.io/app-name"] ?? "");
  if (attempt.deed === "has no image")
    return { state: { waiting: { reason: "ErrImagePull", message: 'failed to resolve "fake": not found' } } };
  const [params = ""] = (pod.spec?.containers?.[0] as { args?: string[] } | undefined)?.args ?? [];
  return { work: (signal) => driverOf(attempt, params.replace(/^local:\/\//, ""), signal) };
}
