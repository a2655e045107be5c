/** What `submit` says about a machine that lacks something. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { localBackend } from "../orchestrator/backends/local.ts";
import { checkJava, findSpark, lockedPython, needsBytecodeFolder } from "../orchestrator/backends/python.ts";
import { RejectedError } from "../orchestrator/errors.ts";
import { Target } from "../orchestrator/kinds/target.ts";
import { sampleApp } from "./sample-app.ts";

const never = new AbortController().signal;
const root = mkdtempSync(join(tmpdir(), "sparkwright-python-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let count = 0;
/** A program that prints what a real one would. */
function program(name: string, script: string): string {
  const folder = join(root, String(++count), "bin");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

const python = (answer: object) =>
  program(
    "python",
    `echo '${JSON.stringify({ python: "/p", pythonVersion: "3.11", home: "/p/pyspark", version: "4.1.4", ...answer })}'`,
  );
const find = (path: string, sparkVersion = "4.1.4") => findSpark(path, sparkVersion, { PATH: "/usr/bin:/bin" }, never);

describe("findSpark()", () => {
  test("takes any patch of the line of Spark that the target names", async () => {
    expect(await find(python({ version: "4.1.9" }))).toEqual({ python: "/p", home: "/p/pyspark", version: "4.1.9" });
  });

  test.for([
    ["an old Python", () => python({ pythonVersion: "3.9" }), "it is Python 3.9"],
    ["a Python without pyspark", () => python({ home: null, version: null }), "it has no pyspark"],
    ["another line of Spark", () => python({ version: "4.0.1" }), "it has pyspark 4.0.1, the target asks for 4.1.4"],
    ["a Python that is not there", () => join(root, "no-python"), "there is no such program"],
    ["a Python that fails", () => program("python", "echo 'dyld: broken' >&2; exit 1"), "dyld: broken"],
  ] as const)("refuses %s", async ([, path, why]) => {
    const refusal = find(path());
    await expect(refusal).rejects.toThrow(RejectedError);
    await expect(refusal).rejects.toThrow(why);
    await expect(refusal).rejects.toSatisfy((error) => error instanceof RejectedError && error.remedy !== undefined);
  });
});

describe("checkJava()", () => {
  const java = (script: string) => ({ PATH: join(program("java", script), "..") });
  const says = (version: string) => java(`echo 'openjdk version "${version}" 2025-04-15' >&2`);

  test.for(["17", "17.0.15", "21.0.2", "25-ea"])("accepts Java %s", async (version) => {
    await expect(checkJava(says(version), never)).resolves.toBeUndefined();
  });

  test.for([
    ["no Java at all", () => ({ PATH: join(root, "none") }), "no java on PATH"],
    ["Java 8", () => says("1.8.0_402"), "is Java 1.8.0_402, too old"],
    ["Java 11", () => says("11.0.22"), "is Java 11.0.22, too old"],
    [
      "the java of a Mac that has none",
      () => java("echo 'Unable to locate a Java Runtime' >&2; exit 1"),
      "does not tell its version",
    ],
    [
      "JAVA_HOME without Java",
      () => ({ ...says("17"), JAVA_HOME: join(root, "gone") }),
      "JAVA_HOME is set, but there is no",
    ],
  ] as const)("refuses %s", async ([, env, why]) => {
    await expect(checkJava(env(), never)).rejects.toThrow(why);
    await expect(checkJava(env(), never)).rejects.toThrow(RejectedError);
  });

  test("believes the release file beside it rather than starting it", async () => {
    const path = program("java", "exit 1");
    writeFileSync(join(path, "..", "..", "release"), 'IMPLEMENTOR="x"\nJAVA_VERSION="11.0.1"\n');
    await expect(checkJava({ PATH: join(path, "..") }, never)).rejects.toThrow("Java 11.0.1");
  });
});

test("lockedPython() follows the locked requirements", () => {
  const folder = join(root, "package");
  mkdirSync(join(folder, "spark-jobs"), { recursive: true });
  writeFileSync(join(folder, "spark-jobs", "requirements.lock"), "pyspark==4.1.4\n");
  const before = lockedPython(folder);
  writeFileSync(join(folder, "spark-jobs", "requirements.lock"), "pyspark==4.1.5\n");
  expect(before).toMatch(/\.cache\/python-[0-9a-f]{12}\/bin\/python$/);
  expect(lockedPython(folder)).not.toBe(before);
});

test("needsBytecodeFolder() is false where Python finds or may keep compiled modules", () => {
  expect(needsBytecodeFolder(root)).toBe(false);
});

test("submit() starts nothing on a machine without Java", async () => {
  const prefix = join(root, "attempt");
  const target = Target.parse({ python: python({}), storage: { root }, sizes: { small: {} } });
  const app = sampleApp({ prefix, target, archive: "/code.zip" });
  const backend = localBackend({ environment: { PATH: join(root, "none") } });
  await expect(backend.submit(app, never)).rejects.toThrow("no java on PATH");
  expect(await backend.observe(app, never)).toBeUndefined();
});
