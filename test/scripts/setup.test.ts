/** What set-up says when the machine lacks something: a clear line, a remedy, exit 2. */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { majorVersion } from "../../scripts/java.mjs";

const ROOT = resolve(import.meta.dirname, "../..");
let place: string;

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "sparkwright-setup-"));
  // A checkout in which nothing is installed yet.
  cpSync(join(ROOT, "scripts"), join(place, "scripts"), { recursive: true });
  mkdirSync(join(place, "spark-jobs"));
  cpSync(join(ROOT, "spark-jobs/requirements.lock"), join(place, "spark-jobs/requirements.lock"));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

/** Runs set-up on a PATH that holds nothing but Node and the given programs. */
function setup(programs: Record<string, string>, env: Record<string, string> = {}) {
  const path = join(place, "bin");
  mkdirSync(path);
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(path, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(path, name), 0o755);
  }
  const { status, stderr } = spawnSync(process.execPath, [join(place, "scripts/setup.mjs")], {
    env: { PATH: `${path}:/nowhere`, HOME: place, ...env },
    encoding: "utf8",
  });
  return { status, lines: stderr.trimEnd().split("\n") };
}

const JAVA_17 = `echo 'openjdk version "17.0.9" 2023-10-17' >&2`;

test("setup: without Java it says so in one line with a remedy and exits 2", () => {
  const { status, lines } = setup({});
  expect(status).toBe(2);
  expect(lines).toEqual([
    "Cannot run Spark: no Java 17 or newer was found (on the PATH)",
    expect.stringMatching(/^ {2}Install a JDK or JRE of version 17 or newer .* or set JAVA_HOME to one$/),
  ]);
});

test("setup: JAVA_HOME is what counts when it is set, as it does for Spark", () => {
  const { status, lines } = setup({ java: JAVA_17 }, { JAVA_HOME: join(place, "gone") });
  expect(status).toBe(2);
  expect(lines[0]).toContain(`(JAVA_HOME is ${join(place, "gone")})`);
});

test("setup: a Java that is too old is named", () => {
  const { status, lines } = setup({ java: `echo 'java version "1.8.0_402"' >&2` });
  expect(status).toBe(2);
  expect(lines[0]).toBe("Cannot run Spark: Java 8 is too old (on the PATH)");
});

test("setup: without a Python that is new enough it names those it found", () => {
  const { status, lines } = setup({ java: JAVA_17, python3: "echo 3 9 2 /usr/bin/python3.9" });
  expect(status).toBe(2);
  expect(lines).toEqual([
    "Cannot make the Python environment: no Python 3.11 or newer with venv and pip was found (python3 is 3.9.2)",
    expect.stringContaining("Install one"),
  ]);
});

test("setup: a Python without pip does not count", () => {
  const python = `case "$2" in *ensurepip*) exit 1;; *) echo 3 12 1 /usr/bin/python3.12;; esac`;
  const { status, lines } = setup({ java: JAVA_17, python3: python });
  expect(status).toBe(2);
  expect(lines[0]).toContain("(python3 3.12 has no pip)");
});

test("setup: a dangling pyenv shim is passed over", () => {
  const { lines } = setup({ java: JAVA_17, "python3.11": "echo 'pyenv: python3.11: command not found' >&2; exit 127" });
  expect(lines[0]).toMatch(/was found$/);
});

test.for([
  ['openjdk version "17.0.15" 2025-04-15', 17],
  ['java version "1.8.0_402"', 8],
  ['openjdk version "21" 2023-09-19', 21],
  ["nothing of the kind", undefined],
] as const)("majorVersion() of %s", ([text, expected]) => {
  expect(majorVersion(text)).toBe(expected);
});
