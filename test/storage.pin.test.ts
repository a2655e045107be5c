/** What is pinned and packed before anything runs. */
import { execFileSync } from "node:child_process";
import { existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { DatasetShape } from "../orchestrator/plan/plan.ts";
import { openCode } from "../orchestrator/spec/code-folder.ts";
import { packCode } from "../orchestrator/storage/code.ts";
import { disk } from "../orchestrator/storage/disk.ts";
import { fingerprint, rememberedIn } from "../orchestrator/storage/fingerprint.ts";
import { layoutOf } from "../orchestrator/storage/layout.ts";
import { pin } from "../orchestrator/storage/pin.ts";
import { unzip, zip } from "../orchestrator/storage/zip.ts";

const home = mkdtempSync(join(tmpdir(), "sparkwright-pin-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const place = () => mkdtempSync(join(home, "case-"));

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

  test("a remembered digest is used only while the file is untouched, and a young file is not remembered", async () => {
    const [folder, memory] = [place(), join(place(), "memory.json")];
    const file = join(folder, "raw.csv");
    writeFileSync(file, "a\n1\n");
    const look = async (clock: () => number) => {
      const fingerprints = await rememberedIn(memory, disk, clock);
      const found = await fingerprints.of(file);
      await fingerprints.save();
      return found.etag;
    };
    const first = await look(Date.now);
    expect(existsSync(memory)).toBe(false);
    expect(await look(() => Date.now() + 60_000)).toBe(first);
    const forged = readFileSync(memory, "utf8").replaceAll(first, "sha256:remembered");
    writeFileSync(memory, forged);
    expect(await look(Date.now)).toBe("sha256:remembered");
    writeFileSync(file, "a\n2\n");
    utimesSync(file, 1, 1);
    expect(await look(Date.now)).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await look(Date.now)).not.toBe(first);
  });

  test("a folder is listed without what is hidden, with its partitions", async () => {
    const folder = place();
    for (const name of [
      "date=2017-01-02/b.csv",
      "date=2017-01-01/a.csv",
      "_SUCCESS",
      ".hidden/x.csv",
      "_temporary/y.csv",
    ]) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), name);
    }
    const { files } = await pin({ ...CSV, partitionBy: ["date"] }, { path: folder }, await options());
    expect(files.map((file) => file.partition?.["date"])).toEqual(["2017-01-01", "2017-01-02"]);
    await expect(pin({ ...CSV, partitionBy: ["day"] }, { path: folder }, await options())).rejects.toThrow(
      /not in folders for day/,
    );
  });

  test.for([
    ["what is not there", { path: "/nowhere/raw.csv" }, /is not there/],
    ["an empty folder", { path: mkdtempSync(join(home, "empty-")) }, /has no files/],
    ["another machine's", { path: "gs://lake/raw" }, /not on this machine/],
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
    expect(unzip(zip(files))?.map(({ path, content }) => [path, Buffer.from(content).toString()])).toEqual(
      files
        .map(({ path, content }) => [path, Buffer.from(content).toString()])
        .toSorted(([a = ""], [b = ""]) => (a < b ? -1 : 1)),
    );
    expect([unzip(new Uint8Array()), unzip(zip(files).subarray(1))]).toEqual([undefined, undefined]);
    const archive = join(place(), "code.zip");
    writeFileSync(archive, zip(files));
    const listed = execFileSync(
      "python3",
      [
        "-c",
        "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); print(z.testzip(), z.namelist(), z.read('part/größe.py'))",
        archive,
      ],
      { encoding: "utf8", env: { ...process.env, PYTHONIOENCODING: "utf8" } },
    );
    expect(listed).toContain("None ['part/__init__.py', 'part/größe.py'] b'VALUE = 7\\n'");
    const imported = execFileSync("python3", ["-c", "import part.größe as p; print(p.VALUE)"], {
      encoding: "utf8",
      env: { PATH: process.env["PATH"], PYTHONPATH: archive, PYTHONUTF8: "1" },
    });
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
