/** @module Texts → checked documents and every problem found, in order of file and line. */
import type { Problem } from "../problem.ts";
import { checkConf } from "./conf.ts";
import { catalogueOf, type Document, problemIn } from "./document.ts";
import { parseDocuments, type RawDocument, type Source } from "./parse.ts";
import { paramValues } from "./params.ts";
import { checkPipelines } from "./pipelines.ts";
import { checkReferences, type ReferenceOptions } from "./references.ts";
import { declaredParams, resolve } from "./resolve.ts";

export interface Loaded {
  /** Those that are right in themselves. */
  documents: Document[];
  /** Empty when all is well. */
  problems: Problem[];
}

/** Most problems worth showing of one file. */
const MOST_PER_FILE = 50;

/** Reads and checks texts as one set. Pure and total: any text gives problems, never an exception. */
export function load(sources: readonly Source[], options: ReferenceOptions): Loaded {
  const parsed = sources.map(parseDocuments);
  const checked = parsed.flatMap((result) => result.documents).map(checkDocument);
  const documents = checked.flatMap((result) => result.document ?? []);
  const problems = [...parsed, ...checked].flatMap((result) => result.problems);
  const catalogue = catalogueOf(documents);
  problems.push(...documents.flatMap(checkConf));
  // A broken document would make every reference to it look broken as well.
  if (problems.length === 0)
    problems.push(...checkReferences(documents, catalogue, options), ...checkPipelines(catalogue));
  return {
    documents,
    problems: sorted(
      problems,
      sources.map((source) => source.file),
    ),
  };
}

function checkDocument(document: RawDocument): { document?: Document; problems: Problem[] } {
  const declared = declaredParams(document);
  const { values, findings } = paramValues(declared, {});
  const wrong = findings.filter(({ param }) => declared[param]?.default !== undefined);
  const problems = wrong.map(({ param, message }) =>
    problemIn(document, ["spec", "params", param, "default"], message),
  );
  if (problems.length > 0) return { problems };
  const { spec, open, problems: inSpec } = resolve(document, values);
  if (spec === undefined) return { problems: inSpec };
  // Kind and spec belong together by construction; a union of pairs cannot be built from a pair of unions without saying so.
  return { document: { ...document, spec, open } as Document, problems: [] };
}

/** In order of the files given (others first), then of place; doubles dropped; of one file the first 50. */
export function sorted(problems: readonly Problem[], files: readonly string[]): Problem[] {
  const rank = new Map(files.toReversed().map((file, index) => [file, files.length - index]));
  const inOrder = problems.toSorted(
    (a, b) => (rank.get(a.file) ?? 0) - (rank.get(b.file) ?? 0) || a.line - b.line || a.column - b.column,
  );
  const seen = new Set<string>();
  const count = new Map<string, number>();
  return inOrder.filter((problem) => {
    const id = `${problem.file}\n${problem.line}\n${problem.column}\n${problem.message}`;
    if (seen.has(id)) return false;
    seen.add(id);
    const already = count.get(problem.file) ?? 0;
    count.set(problem.file, already + 1);
    return already < MOST_PER_FILE;
  });
}
