/** What the API server's audit log says of applications and their drivers. Shares nothing with the program under test. */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

/** As far as it is read. Times are text that can be compared. What was asked for took effect between the two. */
interface Entry {
  requestReceivedTimestamp: string;
  stageTimestamp: string;
  verb: string;
  user: { username: string };
  objectRef?: { resource?: string; subresource?: string; name?: string };
  responseStatus?: { code?: number };
  requestObject?: {
    metadata?: { name?: string; labels?: Record<string, string> };
    status?: { phase?: string };
    gracePeriodSeconds?: number;
  };
}

export interface Application {
  name: string;
  run: string;
  step: string;
  attempt: number;
  /** Moments at which one of this name was created, and deleted. */
  created: string[];
  deleted: string[];
  drivers: Driver[];
}

export interface Driver {
  created: string;
  /** When it came to its end or was gone; undefined while it lives. */
  ended?: string;
}

export interface Audit {
  /** By run. */
  applications: Map<string, Application[]>;
  /** Requests of whoever submits, by verb and resource. */
  calls: Map<string, number>;
}

const LABEL = "sparkwright.dev/";
const ROLE = "spark-role";
const APPLICATION = "sparkoperator.k8s.io/app-name";

/** Reads the whole log; requests that the server refused are no deeds. */
export async function readAudit(file: string, submitter: string): Promise<Audit> {
  const entries: Entry[] = [];
  const calls = new Map<string, number>();
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const entry = JSON.parse(line) as Entry;
    const { verb, user, objectRef, responseStatus } = entry;
    if (user.username === submitter) {
      const key = `${verb} ${objectRef?.resource ?? ""}`;
      calls.set(key, (calls.get(key) ?? 0) + 1);
    }
    if ((responseStatus?.code ?? 500) < 300) entries.push(entry);
  }
  const known = new Map<string, Application>();
  const inOrder = entries.toSorted((a, b) => (a.stageTimestamp < b.stageTimestamp ? -1 : 1));
  // Applications first: their drivers may be there before the answer to whoever created them.
  const of = (resource: string) => inOrder.filter(({ objectRef }) => objectRef?.resource === resource);
  for (const entry of of("sparkapplications")) takeCreation(known, entry);
  for (const entry of of("pods")) takePod(known, entry);
  for (const { verb, objectRef, stageTimestamp } of of("sparkapplications"))
    if (verb === "delete") known.get(objectRef?.name ?? "")?.deleted.push(stageTimestamp);
  return { applications: Map.groupBy(known.values(), ({ run }) => run), calls };
}

function takeCreation(known: Map<string, Application>, entry: Entry): void {
  const { verb, objectRef, requestObject, stageTimestamp: at } = entry;
  if (verb !== "create") return;
  const name = requestObject?.metadata?.name ?? objectRef?.name ?? "";
  const there = known.get(name) ?? applicationOf(name, requestObject?.metadata?.labels ?? {});
  there.created.push(at);
  known.set(name, there);
}

function applicationOf(name: string, labels: Record<string, string>): Application {
  const [run = "", step = ""] = [labels[`${LABEL}run`], labels[`${LABEL}step`]];
  return { name, run, step, attempt: Number(labels[`${LABEL}attempt`]), created: [], deleted: [], drivers: [] };
}

function takePod(known: Map<string, Application>, entry: Entry): void {
  const { verb, objectRef, requestObject, stageTimestamp: at } = entry;
  if (verb === "create") {
    const labels = requestObject?.metadata?.labels ?? {};
    if (labels[ROLE] !== "driver") return;
    // Whose creator was killed meanwhile is logged as one that failed; its driver shows that it did not.
    const name = labels[APPLICATION] ?? "";
    const application = known.get(name) ?? applicationOf(name, labels);
    known.set(name, application);
    application.drivers.push({ created: at });
    return;
  }
  const driver = known.get((objectRef?.name ?? "").replace(/-driver$/, ""))?.drivers.at(-1);
  if (driver === undefined || driver.ended !== undefined) return;
  const { phase } = requestObject?.status ?? {};
  const isOver = verb === "patch" && (phase === "Succeeded" || phase === "Failed");
  // With a grace period it goes on until its node says that it is gone.
  const isGone = verb === "delete" && requestObject?.gracePeriodSeconds === 0;
  // The earliest that it can have been: others act on it before the answer is sent.
  if (isOver || isGone) driver.ended = entry.requestReceivedTimestamp;
}
