/** Every name, label and annotation the product gives to things. */
import { createHash } from "node:crypto";

const LONGEST_LABEL = 63;
/** Spark appends at most `-exec-` and a number, or `-driver`, to names derived from the application's. */
const SPARK_SUFFIX = 12;
const HASH_LENGTH = 8;

export const PREFIX = "sparkwright.dev";
export const LABEL = {
  run: `${PREFIX}/run`,
  step: `${PREFIX}/step`,
  attempt: `${PREFIX}/attempt`,
  job: `${PREFIX}/job`,
  kind: `${PREFIX}/kind`,
  definition: `${PREFIX}/definition`,
  target: `${PREFIX}/target`,
  managedBy: "app.kubernetes.io/managed-by",
} as const;
export const ANNOTATION = {
  digest: `${PREFIX}/digest`,
  /** On a Run: somebody asks for its end. */
  cancel: `${PREFIX}/cancel`,
  /** On a Lease: the process that holds it. */
  process: `${PREFIX}/process`,
} as const;

/** Name of the object of one attempt: readable first, unique always, the same on every call; leaves room for what Spark appends. */
export function applicationName(run: string, step: string, attempt: number): string {
  const hash = shortHash(`${run}/${step}/${attempt}`);
  const words = `${run}-${step}-${attempt}`
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "");
  const room = LONGEST_LABEL - SPARK_SUFFIX - HASH_LENGTH - 1;
  return `${words.slice(0, room).replace(/-+$/, "")}-${hash}`;
}

/** `<pipeline or job>-<sequence>`: short, readable and ordered by start, whatever the clock says. */
export function runName(definition: string, sequence: number): string {
  return `${definition}-${sequence}`;
}

/** The Lease of whoever drives a run. */
export function leaseName(run: string): string {
  return `sparkwright-run-${run}`;
}

/** First eight hex digits of the SHA-256 of a text. */
export function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, HASH_LENGTH);
}
