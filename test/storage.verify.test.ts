/** What is checked before outputs count. */
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { DatasetShape, OutputPort } from "../orchestrator/plan/plan.ts";
import { fingerprint } from "../orchestrator/storage/fingerprint.ts";
import { readFooter } from "../orchestrator/storage/footers.ts";
import type { ResultOutput } from "../orchestrator/storage/result.ts";
import type { FileEntry } from "../orchestrator/storage/store.ts";
import { verifyOutputs } from "../orchestrator/storage/verify.ts";

const home = mkdtempSync(join(tmpdir(), "sparkwright-verify-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const place = () => mkdtempSync(join(home, "case-"));

/** Written by pyarrow: three rows, a column of each type. */
const TYPES = join(import.meta.dirname, "stand-in", "types.parquet");
const COLUMNS = (await readFooter(TYPES)).columns;
const DECLARED: DatasetShape = {
  dataset: "lines",
  format: "parquet",
  columns: [...COLUMNS, { name: "date", type: "date" }],
  partitionBy: ["date"],
};

interface Bench {
  folder: string;
  file: string;
  output: ResultOutput;
}

/** An attempt's folder with one good partition, and the output that describes it. */
async function bench(): Promise<Bench> {
  const folder = place();
  const file = join(folder, "date=2017-01-01", "part-0.parquet");
  mkdirSync(dirname(file));
  copyFileSync(TYPES, file);
  const entry = {
    path: "date=2017-01-01/part-0.parquet",
    ...(await fingerprint(file)),
    rows: 3,
    partition: { date: "2017-01-01" },
  };
  return { folder, file, output: { files: [entry], rows: 3, columns: DECLARED.columns } };
}

async function why(
  { folder }: Bench,
  output: ResultOutput,
  shape = DECLARED,
  previous: FileEntry[] = [],
): Promise<string> {
  const found = await verifyOutputs({ lines: { shape, folder, previous } }, { lines: output });
  return typeof found["class"] === "string" && typeof found["cause"] === "string"
    ? `${found["class"]}: ${found["cause"]}`
    : "good";
}

const only = (output: ResultOutput, change: Partial<ResultOutput["files"][number]>): ResultOutput => ({
  ...output,
  files: output.files.map((file) => ({ ...file, ...change })),
});

describe("verifyOutputs()", () => {
  test("takes what is as it says", async () => {
    const good = await bench();
    const found = await verifyOutputs(
      { lines: { shape: DECLARED, folder: good.folder, previous: [] } },
      { lines: good.output },
    );
    expect(found).toMatchObject({
      lines: { dataset: "lines", rows: 3, files: [{ path: good.file, rows: 3, partition: { date: "2017-01-01" } }] },
    });
  });

  test("checks that nobody made", async () => {
    const good = await bench();
    const checks: OutputPort = { ...DECLARED, checks: [{ rule: "rows", min: 1, onFailure: "warn" }] };
    expect(await why(good, good.output, checks)).toMatch(/^OutputMissing: the checks of dataset lines were not made/);
    expect(await why(good, { ...good.output, checked: 1 }, checks)).toBe("good");
  });

  test("a file is gone", async () => {
    const good = await bench();
    rmSync(good.file);
    expect(await why(good, good.output)).toMatch(/^OutputMissing: .*part-0.parquet is not there/);
  });

  test("a file is cut", async () => {
    const good = await bench();
    truncateSync(good.file, 100);
    expect(await why(good, good.output)).toMatch(/^OutputMissing: .* has 100 bytes, the result says/);
  });

  test("a file has other bytes of the same size", async () => {
    const good = await bench();
    const bytes = readFileSync(good.file);
    bytes.writeUInt8(bytes.readUInt8(20) ^ 1, 20);
    writeFileSync(good.file, bytes);
    expect(await why(good, good.output)).toMatch(/another content/);
  });

  test("a cut file that the result describes as it is", async () => {
    const good = await bench();
    truncateSync(good.file, 100);
    expect(await why(good, only(good.output, await fingerprint(good.file)))).toMatch(/not a readable Parquet file/);
  });

  test.for<[string, (output: ResultOutput) => ResultOutput, RegExp]>([
    ["rows of a file", (output) => only(output, { rows: 4 }), /has 3 rows, the result says 4/],
    ["rows in all", (output) => ({ ...output, rows: 4 }), /has 3 rows in its files, the result says 4/],
    ["a column less", (output) => ({ ...output, columns: DECLARED.columns.slice(1) }), /lacks column s/],
    [
      "a column more",
      (output) => ({ ...output, columns: [...DECLARED.columns, { name: "x", type: "int" }] }),
      /column x, which is not declared/,
    ],
    [
      "another type",
      (output) => ({
        ...output,
        columns: DECLARED.columns.map((one) => (one.name === "i" ? { ...one, type: "bigint" } : one)),
      }),
      /column i as bigint, not as int/,
    ],
    ["a partition column left out", (output) => only(output, { partition: {} }), /disagrees on partition column date/],
    ["a file twice", (output) => ({ ...output, files: [...output.files, ...output.files], rows: 6 }), /twice/],
    [
      "a path out of the folder",
      (output) => only(output, { path: "../x/part-0.parquet" }),
      /outside the attempt's folder/,
    ],
    [
      "an absolute path",
      (output) => only(output, { path: TYPES }),
      /neither in the attempt's folder nor in the version/,
    ],
  ])("the result lies about %s", async ([, lie, expected]) => {
    const good = await bench();
    expect(await why(good, lie(good.output))).toMatch(expected);
  });

  test("columns in the files that are not declared, or of another type", async () => {
    const good = await bench();
    const shape = (columns: DatasetShape["columns"]) => ({ ...DECLARED, columns });
    const claim = (columns: DatasetShape["columns"]) => why(good, { ...good.output, columns }, shape(columns));
    expect(await claim(DECLARED.columns.slice(1))).toMatch(/part-0.parquet has column s, which is not declared/);
    expect(
      await claim(DECLARED.columns.map((one) => (one.name === "ntz" ? { ...one, type: "timestamp" } : one))),
    ).toMatch(/has column ntz as timestamp_ntz, not as timestamp/);
  });

  test("a link out of the folder", async () => {
    const good = await bench();
    rmSync(good.file);
    symlinkSync(TYPES, good.file);
    expect(await why(good, good.output)).toMatch(/is a link/);
  });

  test("an output is left out, or one more is there", async () => {
    const good = await bench();
    const expected = { lines: { shape: DECLARED, folder: good.folder, previous: [] } };
    expect(await verifyOutputs(expected, {})).toMatchObject({ cause: "the result lacks output lines" });
    expect(await verifyOutputs(expected, { lines: good.output, more: good.output })).toMatchObject({
      cause: expect.stringContaining("more"),
    });
  });

  test("a file of the version before is carried over, as it was", async () => {
    const [good, before] = [await bench(), await bench()];
    const [entry] = good.output.files;
    const previous = [{ path: before.file, size: entry?.size ?? 0, etag: entry?.etag ?? "", rows: 3 }];
    expect(await why(good, only(good.output, { path: before.file }), DECLARED, previous)).toBe("good");
    expect(
      await why(good, only(good.output, { path: before.file }), DECLARED, [
        { ...previous[0], etag: "sha256:0" } as FileEntry,
      ]),
    ).toMatch(/not as it was published/);
    rmSync(before.file);
    expect(await why(good, only(good.output, { path: before.file }), DECLARED, previous)).toMatch(/is not there/);
  });
});
