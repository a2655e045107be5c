/** @module What an answer of the API server that is no success means to us: one of the project's errors, with what to do. */
import { ConflictError, QuotaExceededError, RejectedError, UnavailableError } from "../errors.ts";
import type { Status } from "./objects.ts";

export interface Refusal {
  /** What was wanted, as in `create SparkApplication offers/train-1`. */
  action: string;
  server: string;
  code: number;
  /** The body as it came. */
  text: string;
}

/** What was asked for was too old: a page of a list, or the place a watch wanted to go on from. Begin anew. */
export class ExpiredError extends UnavailableError {}

/** The path is served by nobody: the kind of object is not installed. */
export class MissingApiError extends RejectedError {}

/** The status document of an answer, when it is one. */
export function statusOf(text: string): Status | undefined {
  try {
    const document = JSON.parse(text) as Partial<Status> | null;
    return document?.kind === "Status" ? (document as Status) : undefined;
  } catch {
    // A proxy's page, or a plain sentence.
    return undefined;
  }
}

/** Whether an object is missing, and not the path: an API that is not installed has no status document. */
export function isMissingObject({ code, text }: Pick<Refusal, "code" | "text">): boolean {
  const status = statusOf(text);
  return code === 404 && status !== undefined && !isMissingNamespace(status);
}

/** The error for an answer. Never quotes more of a foreign page than its first words. */
export function errorOf({ action, server, code, text }: Refusal): Error {
  const status = statusOf(text);
  const words = status?.message ?? (text.replace(/\s+/g, " ").trim().slice(0, 200) || `status ${code}`);
  const message = `Cannot ${action}: ${words}`;
  if (code === 410) return new ExpiredError(message);
  if (code === 409) return new ConflictError(message);
  if (code === 429 || code >= 500) return new UnavailableError(`${message} (${server} answered ${code})`);
  // The namespace's quota is full now and need not be later.
  if (code === 403 && words.includes("exceeded quota")) return new QuotaExceededError(message);
  const remedy = remedyFor(code, status);
  return code === 404 && status === undefined
    ? new MissingApiError(message, { remedy })
    : new RejectedError(message, { remedy });
}

function remedyFor(code: number, status: Status | undefined): string {
  if (code === 401) return "Log in again: the cluster does not accept these credentials";
  if (code === 403)
    return "Ask the platform team for this right; kubectl auth can-i shows what you may do (the chart's role has all that is needed)";
  if (code === 404 && status === undefined)
    return "Install what serves it: for SparkApplications the kubeflow Spark operator (helm install spark-operator spark-operator/spark-operator)";
  if (code === 404 && status !== undefined && isMissingNamespace(status))
    return `Create the namespace (kubectl create namespace ${status.details?.name ?? "NAME"}), or change namespace of the target`;
  if (status?.message?.startsWith("unable to parse requirement") === true)
    return "Write labels as KEY=VALUE, KEY!=VALUE or KEY, with commas between them";
  if (code === 422 || code === 400) return "Change the spec or the target in the way the message says";
  return "See whether kubectl can do it";
}

function isMissingNamespace(status: Status): boolean {
  return status.details?.kind === "namespaces";
}
