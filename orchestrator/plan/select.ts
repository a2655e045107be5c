/** @module Which definition and which target are meant. Names are asked for as people type them: `offers`, or `Pipeline/offers` where two kinds share one. */
import { RejectedError } from "../errors.ts";
import { suggestion } from "../nearest.ts";
import type { Catalogue, DocumentOf, JobDocument } from "../spec/document.ts";

export type Definition = DocumentOf<"Pipeline"> | JobDocument;

/** The pipeline or job to plan. Without a name: the only pipeline, or the only job. A bare name means the pipeline when a job has it too. */
export function definitionOf({ pipelines, jobs }: Catalogue, name: string | undefined): Definition {
  if (name === undefined) return onlyDefinition([...pipelines.values()], [...jobs.values()]);
  const slash = name.indexOf("/");
  const [kind, bare] = slash < 0 ? [undefined, name] : [name.slice(0, slash).toLowerCase(), name.slice(slash + 1)];
  const pipeline = pipelines.get(bare);
  const job = jobs.get(bare);
  if (pipeline !== undefined && (kind === undefined || isKind("Pipeline", kind))) return pipeline;
  if (job !== undefined && (kind === undefined || isKind(job.kind, kind) || kind === "job")) return job;
  const known = new Set([...pipelines.keys(), ...jobs.keys()]);
  throw new RejectedError(`Cannot find a pipeline or job "${name}"${suggestion(bare, known)}`, {
    remedy: "name files with -f that define it",
  });
}

function isKind(kind: string, asked: string): boolean {
  return asked === kind.toLowerCase() || asked === `${kind.toLowerCase()}s`;
}

function onlyDefinition(pipelines: DocumentOf<"Pipeline">[], jobs: JobDocument[]): Definition {
  const candidates: Definition[] = pipelines.length > 0 ? pipelines : jobs;
  const [only, ...others] = candidates;
  if (only !== undefined && others.length === 0) return only;
  const names = candidates.map((document) => document.name).join(", ");
  const why = only === undefined ? "there is no pipeline and no job in the spec files" : `there are several: ${names}`;
  const remedy = only === undefined ? "name files with -f that define one" : "name one of them";
  throw new RejectedError(`Cannot tell what to plan: ${why}`, { remedy });
}

/** The target of a name; without one the only target there is. */
export function targetOf({ targets }: Catalogue, name: string | undefined): DocumentOf<"Target"> {
  const [only, ...others] = targets.values();
  const target = name === undefined && others.length === 0 ? only : targets.get(name ?? "");
  if (target !== undefined) return target;
  if (name !== undefined) {
    throw new RejectedError(`Cannot find target "${name}"${suggestion(name, targets.keys())}`, {
      remedy: "a target is a document of kind Target",
    });
  }
  const why =
    only === undefined ? "there is no document of kind Target" : `there are several: ${[...targets.keys()].join(", ")}`;
  throw new RejectedError(`Cannot tell where to run: ${why}`, { remedy: "choose one with --target NAME" });
}
