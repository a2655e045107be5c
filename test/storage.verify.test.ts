/** What is checked before outputs count, and what is pinned and packed before anything runs. */
import { execFileSync } from "node:child_process";
import { copyFileSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { DatasetShape } from "../orchestrator/plan/plan.ts";
import { openCode } from "../orchestrator/spec/code-folder.ts";
import { packCode } from "../orchestrator/storage/code.ts";
import { disk } from "../orchestrator/storage/disk.ts";
import { fingerprint, rememberedIn } from "../orchestrator/storage/fingerprint.ts";
import { readFooter } from "../orchestrator/storage/footers.ts";
import { layoutOf } from "../orchestrator/storage/layout.ts";
import { pin } from "../orchestrator/storage/pin.ts";
import type { ResultOutput } from "../orchestrator/storage/result.ts";
import type { FileEntry } from "../orchestrator/storage/store.ts";
import { verifyOutputs } from "../orchestrator/storage/verify.ts";
import { zip } from "../orchestrator/storage/zip.ts";

const home = mkdtempSync(join(tmpdir(), "sparkwright-verify-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const place = () => mkdtempSync(join(home, "case-"));

/** Written by pyarrow: three rows, a column of each type. */
const TYPES = join(import.meta.dirname, "stand-in", "types.parquet");
const COLUMNS = (await readFooter(TYPES)).columns;
const DECLARED: DatasetShape = { dataset: "lines", format: "parquet", columns: [...COLUMNS, { name: "date", type: "date" }], partitionBy: ["date"] };

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
  const entry = { path: "date=2017-01-01/part-0.parquet", ...(await fingerprint(file)), rows: 3, partition: { date: "2017-01-01" } };
  return { folder, file, output: { files: [entry], rows: 3, columns: DECLARED.columns } };
}

async function why({ folder }: Bench, output: ResultOutput, shape = DECLARED, previous: FileEntry[] = []): Promise<string> {
  const found = await verifyOutputs({ lines: { shape, folder, previous } }, { lines: output });
  return typeof found["class"] === "string" ? `${found["class"]}: ${String(found["cause"])}` : "good";
}

const only = (output: ResultOutput, change: Partial<ResultOutput["files"][number]>): ResultOutput => ({ ...output, files: output.files.map((file) => ({ ...file, ...change })) });

describe("verifyOutputs()", () => {
  test("takes what is as it says", async () => {
    const good = await bench();
    const found = await verifyOutputs({ lines: { shape: DECLARED, folder: good.folder, previous: [] } }, { lines: good.output });
    expect(found).toMatchObject({ lines: { dataset: "lines", rows: 3, files: [{ path: good.file, rows: 3, partition: { date: "2017-01-01" } }] } });
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
    ["a column more", (output) => ({ ...output, columns: [...DECLARED.columns, { name: "x", type: "int" }] }), /column x, which is not declared/],
    ["another type", (output) => ({ ...output, columns: DECLARED.columns.map((one) => (one.name === "i" ? { ...one, type: "bigint" } : one)) }), /column i as bigint, not as int/],
    ["a partition column left out", (output) => only(output, { partition: {} }), /disagrees on partition column date/],
    ["a file twice", (output) => ({ ...output, files: [...output.files, ...output.files], rows: 6 }), /twice/],
    ["a path out of the folder", (output) => only(output, { path: "../x/part-0.parquet" }), /outside the attempt's folder/],
    ["an absolute path", (output) => only(output, { path: TYPES }), /neither in the attempt's folder nor in the version/],
  ])("the result lies about %s", async ([, lie, expected]) => {
    const good = await bench();
    expect(await why(good, lie(good.output))).toMatch(expected);
  });

  test("columns in the files that are not declared, or of another type", async () => {
    const good = await bench();
    const shape = (columns: DatasetShape["columns"]) => ({ ...DECLARED, columns });
    const claim = (columns: DatasetShape["columns"]) => why(good, { ...good.output, columns }, shape(columns));
    expect(await claim(DECLARED.columns.slice(1))).toMatch(/part-0.parquet has column s, which is not declared/);
    expect(await claim(DECLARED.columns.map((one) => (one.name === "ntz" ? { ...one, type: "timestamp" } : one)))).toMatch(/has column ntz as timestamp_ntz, not as timestamp/);
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
    expect(await verifyOutputs(expected, { lines: good.output, more: good.output })).toMatchObject({ cause: expect.stringContaining("more") });
  });

  test("a file of the version before is carried over, as it was", async () => {
    const [good, before] = [await bench(), await bench()];
    const [entry] = good.output.files;
    const previous = [{ path: before.file, size: entry?.size ?? 0, etag: entry?.etag ?? "", rows: 3 }];
    expect(await why(good, only(good.output, { path: before.file }), DECLARED, previous)).toBe("good");
    expect(await why(good, only(good.output, { path: before.file }), DECLARED, [{ ...previous[0], etag: "sha256:0" } as FileEntry])).toMatch(/not as it was published/);
    rmSync(before.file);
    expect(await why(good, only(good.output, { path: before.file }), DECLARED, previous)).toMatch(/is not there/);
  });
});

describe("pin()", () => {
  const CSV: DatasetShape = { dataset: "raw", format: "csv", columns: [], partitionBy: [] };
  const options = async (memory = join(place(), "fingerprints.json")) => ({
    fingerprints: await rememberedIn(memory, disk),
    packageFolder: (name: string) => Promise.resolve(join("/packages", name)),
    now: 1,
  });

  test("touching a file gives the same version, replacing it another", async () => {
    const file = join(place(), "raw.csv");
    writeFileSync(file, "a\n1\n");
    const version = async () => (await pin(CSV, { path: file }, await options())).version;
    const first = await version();
    utimesSync(file, 1, 1);
    expect(await version()).toBe(first);
    writeFileSync(file, "a\n2\n");
    expect(await version()).not.toBe(first);
  });

  test("a remembered digest is used only while the file is untouched", async () => {
    const [folder, memory] = [place(), join(place(), "memory.json")];
    const file = join(folder, "raw.csv");
    writeFileSync(file, "a\n1\n");
    const seen = await rememberedIn(memory, disk);
    const first = await seen.of(file);
    await seen.save();
    writeFileSync(file, "a\n2\n");
    utimesSync(file, 1, 1);
    expect((await (await rememberedIn(memory, disk)).of(file)).etag).not.toBe(first.etag);
  });

  test("a folder is listed without what is hidden, with its partitions", async () => {
    const folder = place();
    for (const name of ["date=2017-01-02/b.csv", "date=2017-01-01/a.csv", "_SUCCESS", ".hidden/x.csv", "_temporary/y.csv"]) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), name);
    }
    const { files } = await pin({ ...CSV, partitionBy: ["date"] }, { path: folder }, await options());
    expect(files.map((file) => file.partition?.["date"])).toEqual(["2017-01-01", "2017-01-02"]);
    await expect(pin({ ...CSV, partitionBy: ["day"] }, { path: folder }, await options())).rejects.toThrow(/not in folders for day/);
  });

  test.for([
    ["what is not there", { path: "/nowhere/raw.csv" }, /is not there/],
    ["an empty folder", { path: mkdtempSync(join(home, "empty-")) }, /has no files/],
    ["another machine's", { path: "s3a://lake/raw" }, /not on this machine/],
    ["a path out of a package", { path: "../x", package: "p" }, /leads out of package p/],
    ["a relative path", { path: "raw.csv" }, /not an absolute path/],
  ] as const)("refuses %s", async ([, external, expected]) => {
    await expect(pin(CSV, external, await options())).rejects.toThrow(expected);
  });
});

describe("packed code", () => {
  test("an archive is the same for the same files, and Python reads it", () => {
    const files = [
      { path: "part/__init__.py", content: Buffer.from("") },
      { path: "part/größe.py", content: Buffer.from("VALUE = 7\n") },
    ];
    expect(zip(files.toReversed())).toEqual(zip(files));
    const archive = join(place(), "code.zip");
    writeFileSync(archive, zip(files));
    const listed = execFileSync("python3", ["-c", "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); print(z.testzip(), z.namelist(), z.read('part/größe.py'))", archive], { encoding: "utf8", env: { ...process.env, PYTHONIOENCODING: "utf8" } });
    expect(listed).toContain("None ['part/__init__.py', 'part/größe.py'] b'VALUE = 7\\n'");
    const imported = execFileSync("python3", ["-c", "import part.größe as p; print(p.VALUE)"], { encoding: "utf8", env: { PATH: process.env["PATH"], PYTHONPATH: archive, PYTHONUTF8: "1" } });
    expect(imported.trim()).toBe("7");
  });

  test("an edited module gives another digest, an unused one does not", async () => {
    const folder = place();
    writeFileSync(join(folder, "job.py"), "import part\n");
    writeFileSync(join(folder, "part.py"), "VALUE = 1\n");
    const pack = async () => packCode(layoutOf(join(folder, "..", "store")), disk, "job.py", openCode(folder));
    const first = await pack();
    writeFileSync(join(folder, "unused.py"), "");
    expect((await pack()).digest).toBe(first.digest);
    writeFileSync(join(folder, "part.py"), "VALUE = 2\n");
    const second = await pack();
    expect(second.digest).not.toBe(first.digest);
    expect(readFileSync(first.main, "utf8")).toBe("import part\n");
    await expect(packCode(layoutOf(place()), disk, "none.py", openCode(folder))).rejects.toThrow(/no file none.py/);
  });
});

test("fingerprint() of a hard link is that of the file", async () => {
  const folder = place();
  writeFileSync(join(folder, "a"), "x".repeat(3_000_000));
  linkSync(join(folder, "a"), join(folder, "b"));
  expect(await fingerprint(join(folder, "a"))).toEqual(await fingerprint(join(folder, "b")));
  expect((await fingerprint(join(folder, "a"))).size).toBe(3_000_000);
});
