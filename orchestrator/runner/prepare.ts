/** @module What a step reads, and whether an earlier execution stands for it. */
import type { Report } from "../engine/advance.ts";
import type { RunStatus } from "../engine/run-state.ts";
import { digest } from "../json.ts";
import { cacheKeyOf } from "../plan/digest.ts";
import type { Step } from "../plan/plan.ts";
import { missingFile } from "../storage/datasets.ts";
import type { FolderStore } from "../storage/folder.ts";
import type { Commit } from "../storage/store.ts";
import { codeOf, namespaceOf, type Crew } from "./crew.ts";

/** Marks an input of a commit that is what was published before, not what the spec names. */
export const PREVIOUS = "previous:";

/** Inputs come from the run's own steps and pins, never from what is published now. */
export async function prepare(crew: Crew, status: RunStatus, step: Step): Promise<Report> {
  const inputs: Record<string, { dataset: string; version: string }> = {};
  for (const [role, port] of Object.entries(step.inputs)) {
    const version =
      port.step === undefined ? status.pinned[port.dataset] : status.steps[port.step]?.outputs?.[port.dataset];
    if (version === undefined)
      return unprepared(step, `input ${role}: the run has no version of dataset ${port.dataset}`);
    inputs[role] = { dataset: port.dataset, version };
  }
  const { sample, target } = crew.record.plan;
  const code = await codeOf(crew, status, step);
  const key = cacheKeyOf(step, {
    image: target.spec.image ?? crew.environment,
    code: code.files,
    inputVersions: Object.fromEntries(Object.entries(inputs).map(([role, { version }]) => [role, version])),
    sparkVersion: target.spec.sparkVersion,
    sample,
  });
  // A step that is not to be cached has a commit that no other run finds.
  const cacheKey = step.cache ? key : digest([key, crew.record.name]);
  const commit = await crew.store.readCommit(namespaceOf(crew), cacheKey);
  const isHit = commit !== undefined && (await isUsable(crew.store, namespaceOf(crew), step, commit));
  return {
    report: "prepared",
    step: step.name,
    inputs,
    cacheKey,
    ...(isHit ? { cachedFrom: { run: commit.run, ...renamed(commit, step), attempt: commit.attempt } } : {}),
  };
}

function renamed(commit: Commit, step: Step): { step?: string } {
  return commit.step === step.name ? {} : { step: commit.step };
}

/** Whether a commit covers the step's outputs, their files are still there, and what it fell back on is still what is published. */
export async function isUsable(store: FolderStore, namespace: string, step: Step, commit: Commit): Promise<boolean> {
  for (const { dataset } of Object.values(step.outputs)) {
    const version = commit.outputs[dataset];
    const manifest = version === undefined ? undefined : await store.readManifest(namespace, dataset, version);
    if (manifest === undefined || (await missingFile(manifest)) !== undefined) return false;
  }
  for (const [role, input] of Object.entries(commit.inputs)) {
    if (role.startsWith(PREVIOUS) && (await store.readPointer(namespace, input.dataset))?.version !== input.version)
      return false;
  }
  return true;
}

function unprepared(step: Step, cause: string): Report {
  return { report: "unprepared", step: step.name, failure: { class: "ConfigError", cause, evidence: [] } };
}
