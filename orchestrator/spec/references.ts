/** @module What documents say about each other: every name exists, fits and is unique. Pipelines have a file of their own. */
import { suggestion } from "../nearest.ts";
import type { Problem } from "../problem.ts";
import { checkProblems, columnProblems } from "./columns.ts";
import { type Catalogue, type Document, isJob, type JobDocument, placeOf, problemIn } from "./document.ts";
import { type Path, pathText } from "./path.ts";
import { type Port, portsOf } from "./ports.ts";
import { sweepProblems } from "./sweep.ts";

export interface ReferenceOptions {
  /** Absolute folder of the jobs shipped with the product, for jobs without `code`. */
  shippedCode: string;
  /** Whether a file exists; without it main files are not looked for. */
  exists?: (path: string) => boolean;
}

/** Problems between documents that hold for every run; those of one target or one set of parameters are found by the plan. */
export function checkReferences(
  documents: readonly Document[],
  catalogue: Catalogue,
  options: ReferenceOptions,
): Problem[] {
  return [
    ...duplicates(documents),
    ...documents.flatMap((document) => {
      if (isJob(document)) return jobProblems(document, catalogue, options);
      return document.kind === "Dataset" ? datasetProblems(document, catalogue) : [];
    }),
  ];
}

/** Two documents of one name. All job kinds share their names, as a pipeline names jobs without their kind. */
function duplicates(documents: readonly Document[]): Problem[] {
  const first = new Map<string, Document>();
  return documents.flatMap((document) => {
    const id = `${isJob(document) ? "job" : document.kind} "${document.name}"`;
    const other = first.get(id);
    if (other === undefined) {
      first.set(id, document);
      return [];
    }
    return [
      problemIn(
        document,
        ["metadata", "name"],
        `a second ${id}; the first is at ${placeOf(other)}`,
        "rename one of them",
      ),
    ];
  });
}

function jobProblems(job: JobDocument, catalogue: Catalogue, options: ReferenceOptions): Problem[] {
  const { inputs, outputs } = portsOf(job);
  const problems = [
    ...inputs.flatMap((port) => portProblems(job, "inputs", port, catalogue)),
    ...outputs.flatMap((port) => portProblems(job, "outputs", port, catalogue)),
    ...columnProblems(job, catalogue),
    ...sizeProblems(job, catalogue),
    ...mainProblems(job, job.spec.main, ["spec", "main"], options),
  ];
  if (job.kind === "TrainingJob" && job.spec.sweep !== undefined) {
    problems.push(...sweepProblems(job, catalogue));
    problems.push(...mainProblems(job, job.spec.sweep.main, ["spec", "sweep", "main"], options));
  }
  const seen = new Map<string, string>();
  for (const { role, dataset } of outputs) {
    const other = seen.get(dataset);
    if (other !== undefined)
      problems.push(
        problemIn(job, ["spec", "outputs", role], `outputs "${other}" and "${role}" both write dataset "${dataset}"`),
      );
    seen.set(dataset, role);
  }
  if (job.kind === "InferenceJob" && !job.open.has("rules") && !catalogue.rules.has(job.spec.rules)) {
    const near = suggestion(job.spec.rules, catalogue.rules.keys());
    problems.push(
      problemIn(
        job,
        ["spec", "rules"],
        `unknown rules "${job.spec.rules}"${near}`,
        "rules are a document of kind OfferRules",
      ),
    );
  }
  return problems;
}

function portProblems(job: JobDocument, side: "inputs" | "outputs", port: Port, catalogue: Catalogue): Problem[] {
  const path = ["spec", side, port.role];
  const dataset = catalogue.datasets.get(port.dataset);
  if (dataset === undefined) {
    const near = suggestion(port.dataset, catalogue.datasets.keys());
    return [
      problemIn(job, path, `unknown dataset "${port.dataset}"${near}`, "declare it in a document of kind Dataset"),
    ];
  }
  const problems: Problem[] = [];
  const is = dataset.spec.format === "model" ? "model" : "table";
  if (port.format !== undefined && port.format !== is) {
    const takes = port.format === "model" ? "a model" : "a table";
    const verb = side === "inputs" ? `input "${port.role}" reads` : `output "${port.role}" writes`;
    problems.push(
      problemIn(job, path, `${verb} ${takes}, but dataset "${port.dataset}" has format ${dataset.spec.format}`),
    );
  }
  if (side === "outputs" && dataset.spec.source !== undefined) {
    const message = `dataset "${port.dataset}" comes from outside (source "${dataset.spec.source}"); a job cannot write it`;
    problems.push(problemIn(job, path, message, "write a dataset without source and path"));
  }
  return problems;
}

/** A size that no target has; a target that lacks it is found when that target is planned for. */
function sizeProblems(job: JobDocument, { targets }: Catalogue): Problem[] {
  const sizes = new Set([...targets.values()].flatMap((target) => Object.keys(target.spec.sizes)));
  if (targets.size === 0 || job.open.has("size") || sizes.has(job.spec.size)) return [];
  return [problemIn(job, ["spec", "size"], `no target has size "${job.spec.size}"${suggestion(job.spec.size, sizes)}`)];
}

function mainProblems(job: JobDocument, main: string, path: Path, options: ReferenceOptions): Problem[] {
  if (job.open.has(pathText(path.slice(1))) || job.open.has("code")) return [];
  if (isOutside(main))
    return [
      problemIn(
        job,
        path,
        `main file "${main}" must lie in the code folder`,
        "write a path relative to it, without ..",
      ),
    ];
  if (options.exists === undefined) return [];
  const folder = codeFolder(job, options.shippedCode);
  if (options.exists(`${folder}/${main}`)) return [];
  const where = job.spec.code === undefined ? "the jobs shipped with Sparkwright" : `code folder "${job.spec.code}"`;
  return [problemIn(job, path, `main file "${main}" is not in ${where}`, `looked for ${folder}/${main}`)];
}

/** Absolute folder of a job's code. */
export function codeFolder(job: JobDocument, shippedCode: string): string {
  const { code } = job.spec;
  if (code === undefined) return shippedCode;
  return withoutDots(code.startsWith("/") ? code : `${job.folder}/${code}`);
}

/** An absolute path without `.`, `..` and doubled slashes. */
export function withoutDots(path: string): string {
  const kept: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") kept.pop();
    else if (part !== "" && part !== ".") kept.push(part);
  }
  return `/${kept.join("/")}`;
}

function datasetProblems(dataset: Extract<Document, { kind: "Dataset" }>, { targets }: Catalogue): Problem[] {
  const { source, path, columns, partitionBy } = dataset.spec;
  const problems: Problem[] = [];
  const sources = new Set([...targets.values()].flatMap((target) => Object.keys(target.spec.sources)));
  if (source !== undefined && targets.size > 0 && !sources.has(source)) {
    problems.push(
      problemIn(dataset, ["spec", "source"], `no target has source "${source}"${suggestion(source, sources)}`),
    );
  }
  if (path !== undefined && isOutside(path)) {
    problems.push(
      problemIn(
        dataset,
        ["spec", "path"],
        `path "${path}" must lie below its source`,
        "write a path relative to it, without ..",
      ),
    );
  }
  const names = columns.map((column) => column.name);
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) < index)
      problems.push(problemIn(dataset, ["spec", "columns", index, "name"], `a second column "${name}"`));
  }
  for (const [index, name] of partitionBy.entries()) {
    if (names.length > 0 && !names.includes(name)) {
      problems.push(
        problemIn(dataset, ["spec", "partitionBy", index], `no column "${name}"${suggestion(name, names)}`),
      );
    }
  }
  return [...problems, ...checkProblems(dataset)];
}

function isOutside(path: string): boolean {
  return (
    path === "" || path.startsWith("/") || path.includes("://") || path.includes("\\") || path.split("/").includes("..")
  );
}
