/** @module Creates the operator's object, once: it is posted, never applied or changed, since an edit of a finished one runs it again. */
import { ConflictError, UnavailableError } from "../errors.ts";
import { call } from "../kubernetes/call.ts";
import type { Connection } from "../kubernetes/connection.ts";
import { ANNOTATION, LABEL } from "../names.ts";
import type { SparkApp } from "../spark-app.ts";
import type { SparkApplication } from "./kubeflow-evidence.ts";
import { applicationsPath, readApplication } from "./kubeflow-objects.ts";

/** What makes an object ours: webhooks and queues may change its spec, so that is not compared. */
const OWNER = [LABEL.run, LABEL.step, LABEL.attempt];
/** Looks at an object that another one of the same name is just being replaced by. */
const LOOKS = 3;

/**
 * Sends the object; one that is there already is adopted when labels and digest are ours, so sending twice makes one. Throws ConflictError
 * when it is another's, UnavailableError while an earlier one is being deleted or when an answer got lost, and as `call` does.
 */
export async function submitApplication(
  connection: Connection,
  app: SparkApp,
  manifest: unknown,
  signal: AbortSignal,
): Promise<void> {
  const action = `create SparkApplication ${app.namespace}/${app.name}`;
  // Unknown fields would be dropped without a word otherwise.
  const query = { fieldValidation: "Strict", fieldManager: "sparkwright" };
  for (let look = 1; ; look += 1) {
    try {
      await call(
        connection,
        { method: "POST", path: applicationsPath(app.namespace), query, body: manifest, action },
        signal,
        // It may have been created, and have come and gone since.
        { onlyRefused: true },
      );
      return;
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
    }
    const there = await readApplication(connection, app, signal);
    if (there !== undefined) {
      assertOurs(there, app, "submit");
      if (there.metadata.deletionTimestamp === undefined) return;
      throw new UnavailableError(`Cannot ${action}: an earlier one is still being deleted`);
    }
    if (look >= LOOKS) throw new UnavailableError(`Cannot ${action}: it is there and not there by turns`);
  }
}

/** Throws ConflictError, naming what differs, when an object of this name is not the one that this application makes. */
export function assertOurs({ metadata }: SparkApplication, app: SparkApp, verb: "submit" | "remove"): void {
  const wanted: Record<string, string> = {
    [LABEL.run]: app.run,
    [LABEL.step]: app.step,
    [LABEL.attempt]: String(app.attempt),
  };
  const wrong: string[] = OWNER.filter((key) => metadata.labels?.[key] !== wanted[key]);
  const digest = metadata.annotations?.[ANNOTATION.digest];
  // An attempt that is to go goes whatever it would have run.
  if (verb === "submit" && digest !== app.digest) wrong.push(ANNOTATION.digest);
  if (wrong.length === 0) return;
  const there = wrong.map((key) => `${key} is ${metadata.labels?.[key] ?? metadata.annotations?.[key] ?? "missing"}`);
  throw new ConflictError(
    `Cannot ${verb} ${app.namespace}/${app.name}: a SparkApplication of this name is not ours (${there.join(", ")}); delete it, or start a run of another name`,
  );
}
