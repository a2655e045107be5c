/** A checked document, and all of them by kind and name. */
import { isJobKind, type JobKindName, type KindName, type SpecOf } from "../kinds/index.ts";
import type { Problem } from "../problem.ts";
import type { RawDocument } from "./parse.ts";
import { type Path, pathText } from "./path.ts";

export interface DocumentOf<K extends KindName> extends RawDocument {
  kind: K;
  /** Checked and frozen, defaults filled in; parameters have their defaults. */
  spec: SpecOf<K>;
  /** Paths below the spec that hold a made-up value, because a parameter has no default. */
  open: ReadonlySet<string>;
}

export type Document = { [K in KindName]: DocumentOf<K> }[KindName];
export type JobDocument = { [K in JobKindName]: DocumentOf<K> }[JobKindName];

export function isJob(document: Document): document is JobDocument {
  return isJobKind(document.kind);
}

/** Documents by what they are looked up by. Of two with one name the first counts; `duplicates` reports the second. */
export interface Catalogue {
  jobs: ReadonlyMap<string, JobDocument>;
  pipelines: ReadonlyMap<string, DocumentOf<"Pipeline">>;
  datasets: ReadonlyMap<string, DocumentOf<"Dataset">>;
  targets: ReadonlyMap<string, DocumentOf<"Target">>;
  rules: ReadonlyMap<string, DocumentOf<"OfferRules">>;
}

export function catalogueOf(documents: readonly Document[]): Catalogue {
  const ofKind = <K extends KindName>(kind: K): Map<string, DocumentOf<K>> =>
    byName(documents.filter((document): document is Document & DocumentOf<K> => document.kind === kind));
  return {
    jobs: byName(documents.filter(isJob)),
    pipelines: ofKind("Pipeline"),
    datasets: ofKind("Dataset"),
    targets: ofKind("Target"),
    rules: ofKind("OfferRules"),
  };
}

function byName<D extends RawDocument>(documents: readonly D[]): Map<string, D> {
  const map = new Map<string, D>();
  for (const document of documents) if (!map.has(document.name)) map.set(document.name, document);
  return map;
}

/** A problem at a field; `path` starts at the document. */
export function problemIn(
  document: RawDocument,
  path: Path,
  message: string,
  remedy?: string,
  part: "key" | "value" = "value",
): Problem {
  const place = { file: document.file, ...document.position(path, part), path: pathText(path) };
  return { ...place, message, ...(remedy === undefined ? {} : { remedy }) };
}

/** `file:line:column` of a document's name, for messages that point at a second place. */
export function placeOf(document: RawDocument): string {
  const { line, column } = document.position(["metadata", "name"]);
  return `${document.file}:${line}:${column}`;
}
