/**
 * @module Why an application that has not ended does not get on, by what pods and the operator say: rows, first match wins. The hopeless
 * are ended at once, the others when their deadline has passed.
 */
import type { ClusterEvidence, Observation, PodEvidence } from "../spark-app.ts";
import { failureOf, find, type Finding, isTooEarly, nodeLost, type Row } from "./pod-finding.ts";
import type { Failure } from "./run-state.ts";

/** Of a driver, or executors, that do not get on. */
const STUCK: Row[] = [nodeLost, imagePull, configError, missingClaim, tooLarge, unschedulable, mountFailed, notTakenUp];

export interface Obstacle {
  failure: Failure;
  /** Waiting cannot mend it. */
  hopeless: boolean;
}

/** Why an application that has not ended does not get on; undefined when nothing is in its way. */
export function obstacle(seen: Observation): Obstacle | undefined {
  const found = find(STUCK, seen);
  return found && { failure: failureOf(found, seen), hopeless: found.hopeless === true };
}

/** The driver when it waits, else the first executor that does. */
function waiting({ driver, executors }: ClusterEvidence): { who: string; pod: PodEvidence } | undefined {
  if (driver?.waiting !== undefined || driver?.unschedulable !== undefined) return { who: "the driver", pod: driver };
  const first = executors?.first;
  if (first?.waiting === undefined && first?.unschedulable === undefined) return undefined;
  return { who: `executor ${first.name}`, pod: first };
}

const PULLS = ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"];
/** A registry that was asked and knows no such image, or does not let us have it. */
const NO_SUCH_IMAGE =
  /not found|manifest unknown|does not exist|unauthorized|denied|no such image|not present with pull policy/i;

function imagePull(cluster: ClusterEvidence): Finding | undefined {
  const one = waiting(cluster);
  const { reason, message } = one?.pod.waiting ?? {};
  if (one === undefined || reason === undefined || !PULLS.includes(reason)) return undefined;
  return {
    class: "ImagePull",
    cause: `${one.who} cannot get its image: ${message ?? reason}`,
    remedy: "See that image of the target exists and imagePullSecrets may read it",
    hopeless: /Invalid|Never/.test(reason) || NO_SUCH_IMAGE.test(message ?? ""),
  };
}

const CONFIG_REASONS = ["CreateContainerConfigError", "CreateContainerError", "RunContainerError"];

function configError(cluster: ClusterEvidence): Finding | undefined {
  const one = waiting(cluster);
  const { reason, message } = one?.pod.waiting ?? {};
  if (one === undefined || reason === undefined || !CONFIG_REASONS.includes(reason)) return undefined;
  return {
    class: "ConfigError",
    cause: `the container of ${one.who} cannot be created: ${message ?? reason}`,
    remedy: "Create what it names in the namespace, or change the target",
    hopeless: reason === "CreateContainerConfigError",
  };
}

/** The scheduler says so of a claim that is not there; nothing will make one but a person. */
function missingClaim(cluster: ClusterEvidence): Finding | undefined {
  const one = waiting(cluster);
  const missing = /persistentvolumeclaim "[^"]+" not found/.exec(one?.pod.unschedulable ?? "");
  if (one === undefined || missing === null) return undefined;
  return {
    class: "ConfigError",
    cause: `${one.who} cannot be placed on a node: ${missing[0]}`,
    remedy: "Create the claim in the namespace, or change volumes of the target",
    hopeless: true,
  };
}

/** No node could take it even if it were empty. Hopeless unless nodes are added, which a cluster may do by itself. */
function tooLarge(cluster: ClusterEvidence): Finding | undefined {
  const one = waiting(cluster);
  const lacking = one?.pod.tooLarge ?? [];
  if (one === undefined || lacking.length === 0) return undefined;
  const words = lacking.map(
    ({ resource, asks, largest, missing }) =>
      `${resource}: asks for ${asks}, the largest node has ${largest}, ${missing} missing`,
  );
  return {
    class: "Unschedulable",
    cause: `no node is large enough for ${one.who} (${words.join("; ")})`,
    remedy: "Choose a smaller size, or lower memory and cores of the size in the target",
  };
}

function unschedulable(cluster: ClusterEvidence): Finding | undefined {
  const one = waiting(cluster);
  if (one?.pod.unschedulable === undefined) return undefined;
  const asks = Object.entries(one.pod.requests ?? {}).map(([resource, amount]) => `${amount} ${resource}`);
  return {
    class: "Unschedulable",
    cause: `no node takes ${one.who}${asks.length === 0 ? "" : `, which asks for ${asks.join(" and ")}`}: ${one.pod.unschedulable}`,
    remedy: "Wait until others end, choose a smaller size, or add nodes",
  };
}

function mountFailed({ warnings }: ClusterEvidence, seen: Observation): Finding | undefined {
  const words = warnings?.findLast((line) => /^(FailedMount|FailedAttachVolume): /.test(line) && !isTooEarly(line));
  if (words === undefined || seen.phase !== "Pending") return undefined;
  return {
    class: "ConfigError",
    cause: `a volume of the driver cannot be mounted: ${words}`,
    remedy: "Create what it names in the namespace, or change volumes of the target",
  };
}

function notTakenUp({ application, driver }: ClusterEvidence): Finding | undefined {
  if (application === undefined || application.state !== "" || driver !== undefined) return undefined;
  return {
    class: "SubmissionFailed",
    cause: "the operator has not taken up the application",
    remedy: "See that the Spark operator runs, and that it watches this namespace",
  };
}
