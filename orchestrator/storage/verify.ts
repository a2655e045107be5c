/**
 * @module Whether a job's outputs are what its result document says and its datasets declare. Every listed file is there with
 * its size and digest, Parquet footers give the rows and columns, and no path leaves the attempt's own folders except to files
 * of the version published before.
 */
import { realpath } from "node:fs/promises";
import { relative } from "node:path";
import type { Failure } from "../engine/run-state.ts";
import { UnavailableError } from "../errors.ts";
import type { DatasetShape, OutputPort } from "../plan/plan.ts";
import { examine, type Examined } from "./examine.ts";
import { inParallel } from "./files.ts";
import { readFooter, type Footer } from "./footers.ts";
import { inside, isInBucket, isPlace } from "./layout.ts";
import { versionOf } from "./manifest.ts";
import type { ResultOutput } from "./result.ts";
import type { FileEntry, Manifest } from "./store.ts";

export interface Expected {
  shape: OutputPort;
  /** Absolute folder the job was told to fill. */
  folder: string;
  /** Files of the version published before, which may be carried over. */
  previous: FileEntry[];
}

export type Verified = Pick<
  Manifest,
  "dataset" | "version" | "format" | "columns" | "partitionBy" | "files" | "rows" | "profile"
>;

/** Thrown inside; becomes a failure of class OutputMissing. */
class Refused extends Error {}

/** The contents of every output by role, or why they are not taken. */
export async function verifyOutputs(
  expected: Record<string, Expected>,
  outputs: Record<string, ResultOutput>,
): Promise<Record<string, Verified> | Failure> {
  try {
    const unknown = Object.keys(outputs).find((role) => !Object.hasOwn(expected, role));
    if (unknown !== undefined)
      throw new Refused(`the result names an output ${unknown}, which the job does not declare`);
    const verified: Record<string, Verified> = {};
    for (const [role, wanted] of Object.entries(expected)) {
      const output = Object.hasOwn(outputs, role) ? outputs[role] : undefined;
      if (output === undefined) throw new Refused(`the result lacks output ${role}`);
      verified[role] = await verifyOutput(wanted, output);
    }
    return verified;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return {
      class: "OutputMissing",
      cause: error.message,
      evidence: [],
      remedy: "Look at the job's log for what happened to the file, then retry",
    };
  }
}

async function verifyOutput(wanted: Expected, output: ResultOutput): Promise<Verified> {
  const { dataset, format, partitionBy, checks = [] } = wanted.shape;
  if (checks.length > (output.checked ?? 0))
    throw new Refused(`the checks of dataset ${dataset} were not made; sparkjobs.job.run makes them after main`);
  if (format === "model" && output.files.length === 0) throw new Refused(`dataset ${dataset} has no files`);
  const columns = declaredColumns(wanted.shape, output);
  const files = await inParallel(output.files, (file) => verifyFile(wanted, columns, file));
  const twice = repeated(files.map((file) => file.path));
  if (twice !== undefined) throw new Refused(`dataset ${dataset} lists ${twice} twice`);
  const version = versionOf({ format, columns, partitionBy, files });
  const entries = files.map(({ name: _name, ...entry }) => entry);
  if (format !== "parquet") return { dataset, version, format, columns, partitionBy, files: entries };
  const rows = files.reduce((sum, file) => sum + (file.rows ?? 0), 0);
  if (output.rows !== rows)
    throw new Refused(`dataset ${dataset} has ${rows} rows in its files, the result says ${output.rows ?? "nothing"}`);
  const { profile } = output;
  return { dataset, version, format, columns, partitionBy, files: entries, rows, ...(profile && { profile }) };
}

/** The columns of a table: as declared, and the result must agree; as the result says, when none are declared. */
function declaredColumns({ dataset, format, columns }: DatasetShape, output: ResultOutput): Manifest["columns"] {
  if (format === "model") return [];
  const said = output.columns ?? [];
  if (columns.length === 0) return said;
  const difference = differenceOf(columns, said);
  if (difference !== undefined) throw new Refused(`dataset ${dataset} ${difference}`);
  return columns;
}

/** What two lists of columns disagree on; order does not matter. */
function differenceOf(wanted: Manifest["columns"], found: Manifest["columns"]): string | undefined {
  const types = new Map(found.map((column) => [column.name, column.type]));
  for (const { name, type } of wanted) {
    const there = types.get(name);
    if (there === undefined) return `lacks column ${name}`;
    if (there !== type) return `has column ${name} as ${there}, not as ${type}`;
  }
  const extra = found.find((column) => !wanted.some((one) => one.name === column.name));
  return extra && `has column ${extra.name}, which is not declared`;
}

async function verifyFile(
  wanted: Expected,
  columns: Manifest["columns"],
  file: ResultOutput["files"][number],
): Promise<FileEntry & { name: string }> {
  const path = isPlace(file.path) ? carried(wanted, file) : await own(wanted, file.path);
  const found = await examine(path, file.size);
  if (found === undefined) throw new Refused(`${path} is not there`);
  if (found.size !== file.size) throw new Refused(`${path} has ${found.size} bytes, the result says ${file.size}`);
  const { etag = file.etag, mark } = found;
  if (etag !== file.etag) throw new Refused(`${path} has another content than the result says`);
  const { partitionBy, format } = wanted.shape;
  const partition = partitionOf(wanted.shape, file);
  const optional = { ...(partition === undefined ? {} : { partition }), ...(mark === undefined ? {} : { mark }) };
  const entry = { path, name: file.path, size: file.size, etag, ...optional };
  if (format !== "parquet") return entry;
  const footer = await footerOf(path, found);
  if (file.rows !== footer.rows)
    throw new Refused(`${path} has ${footer.rows} rows, the result says ${file.rows ?? "nothing"}`);
  const stored = columns.filter((column) => !partitionBy.includes(column.name));
  const difference = differenceOf(stored, footer.columns);
  if (difference !== undefined) throw new Refused(`${path} ${difference}`);
  return { ...entry, rows: footer.rows };
}

/** A file of the version before, named by its absolute path. */
function carried({ shape, previous }: Expected, file: ResultOutput["files"][number]): string {
  const before = previous.find((one) => one.path === file.path);
  if (before === undefined)
    throw new Refused(
      `${file.path} is neither in the attempt's folder nor in the version of ${shape.dataset} published before`,
    );
  if (before.size !== file.size || before.etag !== file.etag)
    throw new Refused(`${file.path} is not as it was published`);
  return before.path;
}

/** A file the attempt wrote itself; links that lead out of its folder are no way round. */
async function own({ folder }: Expected, path: string): Promise<string> {
  const full = inside(folder, path);
  if (full === undefined) throw new Refused(`${path} is outside the attempt's folder`);
  if (isInBucket(full)) return full; // A bucket has no links.
  const [real, home] = await Promise.all([
    realpath(full).catch(() => undefined),
    realpath(folder).catch(() => undefined),
  ]);
  if (real === undefined || home === undefined) throw new Refused(`${full} is not there`);
  if (relative(folder, full) !== relative(home, real)) throw new Refused(`${full} is a link or reached by one`);
  return full;
}

function partitionOf(
  { dataset, partitionBy }: DatasetShape,
  file: ResultOutput["files"][number],
): Record<string, string> | undefined {
  const found = Object.keys(file.partition ?? {});
  const wrong = partitionBy.find((name) => !found.includes(name)) ?? found.find((name) => !partitionBy.includes(name));
  if (wrong !== undefined)
    throw new Refused(`${file.path} of dataset ${dataset} disagrees on partition column ${wrong}`);
  return partitionBy.length === 0 ? undefined : file.partition;
}

async function footerOf(path: string, { size, bytes }: Examined): Promise<Footer> {
  try {
    return await readFooter(path, { size, ...(bytes === undefined ? {} : { bytes }) });
  } catch (error) {
    if (error instanceof UnavailableError) throw error;
    throw new Refused(
      `${path} is not a readable Parquet file (${error instanceof Error ? error.message : String(error)})`,
    );
  }
}

function repeated(paths: string[]): string | undefined {
  return paths.find((path, at) => paths.indexOf(path) !== at);
}
