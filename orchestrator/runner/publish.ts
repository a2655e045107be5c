/** @module Makes a finished attempt count: verify → versions → commit → pointers. Every part may be repeated after a crash. */
import type { Report } from "../engine/advance.ts";
import { lastAttempt } from "../engine/phases.ts";
import type { Failure, RunStatus, StepStatus } from "../engine/run-state.ts";
import { UnavailableError } from "../errors.ts";
import type { Step } from "../plan/plan.ts";
import { rememberedIn } from "../storage/fingerprint.ts";
import type { Params } from "../storage/params.ts";
import type { JobResult } from "../storage/result.ts";
import type { Commit } from "../storage/store.ts";
import { verifyOutputs, type Verified } from "../storage/verify.ts";
import { namespaceOf, type Crew } from "./crew.ts";
import { isUsable, PREVIOUS } from "./prepare.ts";

/** Publishes what the last attempt made, or what the cache found. */
export async function publish(crew: Crew, status: RunStatus, step: Step): Promise<Report> {
  const mine = status.steps[step.name];
  if (mine?.cacheKey === undefined)
    return refused(step, { class: "OutputMissing", cause: "the step has no cache key", evidence: [] });
  const commit = await commitOf(crew, step, mine, mine.cacheKey);
  if ("class" in commit) return refused(step, commit);
  const outputs = Object.fromEntries(
    Object.values(step.outputs).map(({ dataset }) => [dataset, commit.outputs[dataset] ?? ""]),
  );
  const unpublished = await movePointers(crew, mine, outputs);
  return { report: "published", step: step.name, outputs, unpublished };
}

async function commitOf(crew: Crew, step: Step, mine: StepStatus, cacheKey: string): Promise<Commit | Failure> {
  const { store, record } = crew;
  const namespace = namespaceOf(crew);
  const there = await store.readCommit(namespace, cacheKey);
  const isThere = there !== undefined && (await isUsable(store, namespace, step, there));
  if (mine.cachedFrom !== undefined)
    return isThere ? there : { class: "OutputMissing", cause: "what the cache held is gone", evidence: [] };
  const attempt = lastAttempt(mine)?.number ?? 0;
  const isMine = there?.run === record.name && there.step === step.name && there.attempt === attempt;
  // Committed before a crash. Otherwise the attempt is verified even if another run was faster with the same step.
  if (isThere && isMine) return there;
  const made = await verified(crew, step, attempt);
  if ("class" in made) return made;
  await crew.lock.assertHeld();
  const madeBy = { run: record.name, step: step.name, attempt };
  for (const content of Object.values(made.contents))
    await store.putManifest(namespace, { ...content, madeBy, createdAt: crew.clock() });
  const commit: Commit = {
    cacheKey,
    run: record.name,
    step: step.name,
    attempt,
    sequence: record.sequence,
    outputs: Object.fromEntries(Object.values(made.contents).map(({ dataset, version }) => [dataset, version])),
    inputs: { ...mine.inputs, ...fallbacks(made.params, made.result) },
    metrics: made.result.metrics,
    tables: made.result.tables,
    notes: made.result.notes,
    committedAt: crew.clock(),
  };
  await crew.lock.assertHeld();
  return store.putCommit(namespace, commit, { replace: there !== undefined && !isThere });
}

async function verified(
  crew: Crew,
  step: Step,
  attempt: number,
): Promise<{ contents: Record<string, Verified>; params: Params; result: JobResult } | Failure> {
  const { store, record } = crew;
  const params = await store.readParams(record.name, step.name, attempt);
  if (params === undefined) return missing("the attempt's params document is gone");
  const result = await store.readResult(record.name, step.name, attempt);
  if (typeof result === "string") return missing(result);
  const changed = await changedInput(crew, step, params);
  if (changed !== undefined) return changed;
  const expected = Object.fromEntries(
    Object.entries(step.outputs).map(([role, shape]) => {
      const folder = store.layout.output(namespaceOf(crew), record.name, step.name, attempt, role);
      return [role, { shape, folder, previous: params.previous[role]?.files ?? [] }];
    }),
  );
  const contents = await verifyOutputs(expected, result.outputs);
  return isFailure(contents) ? contents : { contents, params, result };
}

/** A version promises content; a file outside that was replaced meanwhile breaks the promise for all that was made from it. */
async function changedInput(crew: Crew, step: Step, params: Params): Promise<Failure | undefined> {
  const fingerprints = await rememberedIn(crew.store.layout.fingerprints, crew.store.disk);
  for (const [role, port] of Object.entries(step.inputs)) {
    if (port.external === undefined) continue;
    for (const file of params.inputs[role]?.files ?? []) {
      const now = await fingerprints.of(file.path).catch(unlessUnavailable);
      if (now?.etag !== file.etag) {
        return {
          class: "ConfigError",
          cause: `${file.path} of dataset ${port.dataset} changed while the run used it`,
          evidence: [],
          remedy: "Start a new run, which pins what is there now",
        };
      }
    }
  }
  return undefined;
}

/** A file that cannot be read is not what it was; a server that does not answer says nothing of its files. */
function unlessUnavailable(error: unknown): undefined {
  if (error instanceof UnavailableError) throw error;
  return undefined;
}

/** Versions the job fell back on although the spec does not name them as inputs. */
function fallbacks(params: Params, result: JobResult): Commit["inputs"] {
  const found = Object.entries(result.inputs).flatMap(([role, version]) => {
    const previous = Object.hasOwn(params.previous, role) ? params.previous[role] : undefined;
    const isInput = Object.hasOwn(params.inputs, role) && params.inputs[role]?.version === version;
    return previous?.version === version && !isInput
      ? [[`${PREVIOUS}${role}`, { dataset: previous.dataset, version }] as const]
      : [];
  });
  return Object.fromEntries(found);
}

/** Moves the pointers of all outputs; tells which stayed and why. */
async function movePointers(
  crew: Crew,
  mine: StepStatus,
  outputs: Record<string, string>,
): Promise<Record<string, string>> {
  const { store, record } = crew;
  const unpublished: Record<string, string> = {};
  for (const [dataset, version] of Object.entries(outputs)) {
    if (record.plan.sample !== null) {
      unpublished[dataset] = "a sample is never published";
      continue;
    }
    await crew.lock.assertHeld();
    const attempt = mine.cachedFrom === undefined ? (lastAttempt(mine)?.number ?? 0) : 0;
    const why = await store.publish(namespaceOf(crew), dataset, {
      version,
      run: record.name,
      attempt,
      sequence: record.sequence,
      movedAt: crew.clock(),
    });
    if (why !== undefined) unpublished[dataset] = why;
  }
  return unpublished;
}

function isFailure(value: Record<string, Verified> | Failure): value is Failure {
  return typeof value["class"] === "string";
}

function missing(cause: string): Failure {
  return { class: "OutputMissing", cause, evidence: [], remedy: "Look at the job's log for what happened" };
}

function refused(step: Step, failure: Failure): Report {
  return { report: "refused", step: step.name, failure };
}
