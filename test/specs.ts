/** Small valid documents for tests, to be combined and broken. */
import type { Document } from "../orchestrator/spec/document.ts";
import { load } from "../orchestrator/spec/load.ts";

export function doc(kind: string, name: string, spec: string): string {
  const body = spec
    .trim()
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
  return `apiVersion: sparkwright.dev/v1alpha1\nkind: ${kind}\nmetadata:\n  name: ${name}\nspec:\n${body}\n`;
}

/** Reads some, writes one. */
export function sparkJob(name: string, inputs: string[], outputs: string[], more = ""): string {
  const roles = (names: string[]): string => `{ ${names.map((dataset, index) => `r${index}: ${dataset}`).join(", ")} }`;
  return doc("SparkJob", name, `main: jobs/any.py\ninputs: ${roles(inputs)}\noutputs: ${roles(outputs)}\n${more}`);
}

export function dataset(name: string, spec = "description: made here"): string {
  return doc("Dataset", name, spec);
}

export function pipeline(name: string, jobs: string[], more = ""): string {
  return doc(
    "Pipeline",
    name,
    `${more === "" ? "" : `${more}\n`}jobs:\n${jobs.map((job) => `  - ${job.includes(":") ? job : `job: ${job}`}`).join("\n")}`,
  );
}

export const TARGET = doc(
  "Target",
  "here",
  `
storage: { root: .sparkwright }
sources: { shop: { path: data } }
sizes:
  small: { driver: { cores: 2, memory: 2g }, executors: 0 }
  big: { driver: { cores: 4, memory: 4g }, executors: 0 }
`,
);

/** What a TrainingJob reads and writes. */
export const TRAINING_DATASETS = [
  dataset("lines"),
  dataset("evaluation"),
  dataset("model", "format: model"),
  dataset("scorer", "format: model"),
];

/** A TrainingJob on them, with a sweep in flow style. */
export function training(sweep: string, more = "", name = "train"): string {
  const spec = `inputs: { lines: lines }
outputs: { model: model, scorer: scorer, evaluation: evaluation }
split: { tune: "2020-01-01", test: "2020-02-01", end: "2020-03-01" }
${more === "" ? "" : `${more}\n`}${sweep === "" ? "" : `sweep: ${sweep}`}`;
  return doc("TrainingJob", name, spec);
}

export const SHIPPED = "/shipped";

export function textOf(...documents: string[]): string {
  return documents.join("---\n");
}

/** `line:column path: message` of every problem of one text. */
export function problemsOf(text: string, file = "f.yaml"): string[] {
  return load([{ file, folder: "/specs", text }], { shippedCode: SHIPPED }).problems.map(
    ({ line, column, path, message }) => `${line}:${column} ${path}${path === "" ? "" : ": "}${message}`,
  );
}

/** Documents of a text that must be right. */
export function documentsOf(...texts: string[]): Document[] {
  const { documents, problems } = load([{ file: "f.yaml", folder: "/specs", text: textOf(...texts) }], {
    shippedCode: SHIPPED,
  });
  if (problems.length > 0)
    throw new Error(problems.map((problem) => `${problem.line}:${problem.column} ${problem.message}`).join("\n"));
  return documents;
}
