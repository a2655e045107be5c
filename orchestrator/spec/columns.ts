/** @module Columns that a job or a check names must be among those its dataset declares; a dataset that declares none has whatever is there. */
import { suggestion } from "../nearest.ts";
import type { Problem } from "../problem.ts";
import { type Catalogue, type DocumentOf, type JobDocument, problemIn } from "./document.ts";
import { type Path, pathText, valueAt } from "./path.ts";

/** Input role → paths below the spec whose texts are columns of that input. A path may end in a list, a map of roles, or one name. */
const COLUMNS: Record<JobDocument["kind"], Record<string, Path[]>> = {
  FeatureJob: { lines: [["columns"]], items: [["items"]] },
  SegmentationJob: { features: [["entity"], ["features"]] },
  TrainingJob: {},
  InferenceJob: {
    items: [["tables", "items"]],
    campaigns: [["tables", "campaigns"]],
    coupons: [["tables", "coupons"]],
    targets: [["tables", "targets"]],
  },
  SparkJob: {},
};

export function columnProblems(job: JobDocument, { datasets }: Catalogue): Problem[] {
  return [
    ...Object.entries(COLUMNS[job.kind]).flatMap(([role, paths]) => {
      const name = valueAt(job.spec.inputs, [role]);
      const columns =
        typeof name === "string" ? (datasets.get(name)?.spec.columns.map((column) => column.name) ?? []) : [];
      if (columns.length === 0) return [];
      return paths
        .flatMap((path) => texts(valueAt(job.spec, path), path))
        .filter(({ text, path }) => !columns.includes(text) && !job.open.has(pathText(path)))
        .map(({ text, path }) =>
          problemIn(
            job,
            ["spec", ...path],
            `dataset "${String(name)}" has no column "${text}"${suggestion(text, columns)}`,
          ),
        );
    }),
    ...zoneProblems(job),
  ];
}

const NUMBERS = ["int", "bigint", "double"];

/** Columns that the checks of a dataset look at, and whether a range makes sense of their values. */
export function checkProblems(dataset: DocumentOf<"Dataset">): Problem[] {
  const types = new Map(dataset.spec.columns.map(({ name, type }) => [name, type]));
  if (types.size === 0) return [];
  return dataset.spec.checks.flatMap(({ rule, column, columns }, index) => {
    const at: Path = ["checks", index];
    return [...texts(column, [...at, "column"]), ...texts(columns, [...at, "columns"])].flatMap(({ text, path }) => {
      const type = types.get(text);
      if (type === undefined)
        return [problemIn(dataset, ["spec", ...path], `no column "${text}"${suggestion(text, types.keys())}`)];
      if (rule !== "range" || NUMBERS.includes(type)) return [];
      return [problemIn(dataset, ["spec", ...path], `column "${text}" is ${type}; range is for numbers`)];
    });
  });
}

function texts(value: unknown, path: Path): { text: string; path: Path }[] {
  if (typeof value === "string") return [{ text: value, path }];
  if (Array.isArray(value)) return value.flatMap((item: unknown, index) => texts(item, [...path, index]));
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([key, item]: [string, unknown]) => texts(item, [...path, key]));
}

function zoneProblems(job: JobDocument): Problem[] {
  if (job.kind !== "FeatureJob") return [];
  return Object.entries(job.spec.zones)
    .filter(([role, zone]) => !job.open.has(`zones.${role}`) && !isZone(zone))
    .map(([role, zone]) => {
      const near = suggestion(zone, Intl.supportedValuesOf("timeZone"));
      return problemIn(
        job,
        ["spec", "zones", role],
        `unknown time zone "${zone}"${near}`,
        "write a name of the IANA time zone database",
      );
    });
}

function isZone(zone: string): boolean {
  // The list is quick but lacks UTC and aliases; a formatter knows them all and takes 20 ms.
  if (zone === "UTC" || Intl.supportedValuesOf("timeZone").includes(zone)) return true;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }) instanceof Intl.DateTimeFormat;
  } catch {
    return false;
  }
}
