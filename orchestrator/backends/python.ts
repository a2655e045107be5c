/** Finds what local Spark needs on this machine: an interpreter with PySpark, and Java. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, readFileSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { RejectedError } from "../errors.ts";

const OLDEST_PYTHON = "3.11";
const OLDEST_JAVA = 17;
/** Spark's own start takes longer; an interpreter that needs more than this hangs. */
const ANSWER_MS = 30_000;

export interface SparkInstallation {
  /** The interpreter. */
  python: string;
  /** Folder of PySpark, which holds bin/spark-submit and the jars. */
  home: string;
  version: string;
}

/** Asks without importing: that would take a second. */
const QUESTION = `
import importlib.metadata, importlib.util, json, sys
spec = importlib.util.find_spec("pyspark")
print(json.dumps({"python": sys.executable, "pythonVersion": "%d.%d" % sys.version_info[:2],
    "home": spec and spec.submodule_search_locations[0], "version": spec and importlib.metadata.version("pyspark")}))
`;

interface Answer {
  python: string;
  pythonVersion: string;
  home: string | null;
  version: string | null;
}

/** The interpreter of the locked environment that set-up makes below the package; named after the digest of what is locked. */
export function lockedPython(packageRoot: string): string {
  const lock = readFileSync(join(packageRoot, "spark-jobs", "requirements.lock"));
  const name = createHash("sha256").update(lock).digest("hex").slice(0, 12);
  return join(packageRoot, ".cache", `python-${name}`, "bin", "python");
}

/** PySpark as this interpreter sees it. Throws RejectedError when there is none, or another line of Spark than asked for. */
export async function findSpark(
  python: string,
  sparkVersion: string,
  env: Record<string, string>,
  signal: AbortSignal,
): Promise<SparkInstallation> {
  const answer = await ask(python, env, signal);
  const reject = (why: string, remedy: string) =>
    new RejectedError(`Cannot run Spark with ${python}: ${why}`, { remedy });
  if (compare(answer.pythonVersion, OLDEST_PYTHON) < 0) {
    throw reject(
      `it is Python ${answer.pythonVersion}`,
      `Install Python ${OLDEST_PYTHON} or newer, or name it as python in the target`,
    );
  }
  if (answer.home === null || answer.version === null) {
    throw reject(
      "it has no pyspark",
      `Install pyspark ${sparkVersion} there, or leave python out of the target to use the locked environment`,
    );
  }
  if (line(answer.version) !== line(sparkVersion)) {
    throw reject(
      `it has pyspark ${answer.version}, the target asks for ${sparkVersion}`,
      "Change sparkVersion or python in the target",
    );
  }
  return { python: answer.python, home: answer.home, version: answer.version };
}

async function ask(python: string, env: Record<string, string>, signal: AbortSignal): Promise<Answer> {
  try {
    const { stdout } = await promisify(execFile)(python, ["-c", QUESTION], { env, signal, timeout: ANSWER_MS });
    return JSON.parse(stdout) as Answer;
  } catch (cause) {
    signal.throwIfAborted();
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    const why = missing
      ? "there is no such program"
      : String((cause as { stderr?: string }).stderr || cause)
          .trim()
          .split("\n")
          .at(-1);
    const remedy = missing
      ? `Run npm run setup to make the locked environment, or name an interpreter with pyspark as python in the target`
      : "Run it by hand to see what is wrong, or name another interpreter as python in the target";
    throw new RejectedError(`Cannot run Spark with ${python}: ${why}`, { remedy, cause });
  }
}

/** Throws RejectedError unless spark-submit will find a Java that is new enough. */
export async function checkJava(env: Record<string, string>, signal: AbortSignal): Promise<void> {
  const remedy = `Install Java ${OLDEST_JAVA} or newer (a JRE will do), or point JAVA_HOME at one`;
  const java =
    env["JAVA_HOME"] === undefined ? onPath("java", env["PATH"] ?? "") : join(env["JAVA_HOME"], "bin", "java");
  if (java === undefined)
    throw new RejectedError("Cannot run Spark: there is no java on PATH and JAVA_HOME is not set", { remedy });
  if (!existsSync(java))
    throw new RejectedError(`Cannot run Spark: JAVA_HOME is set, but there is no ${java}`, { remedy });
  const version = releaseOf(java) ?? (await saidVersion(java, env, signal));
  if (version === undefined) throw new RejectedError(`Cannot run Spark: ${java} does not tell its version`, { remedy });
  // Java 8 calls itself 1.8.
  const major = Number(version.replace(/^1\./, "").split(/[^0-9]/)[0]);
  if (major < OLDEST_JAVA)
    throw new RejectedError(`Cannot run Spark: ${java} is Java ${version}, too old for it`, { remedy });
}

/** Version by the file `release` that a JDK or JRE carries; reading it spares the start of a virtual machine. */
function releaseOf(java: string): string | undefined {
  const release = join(dirname(dirname(realpathSync(java))), "release");
  return existsSync(release) ? readFileSync(release, "utf8").match(/^JAVA_VERSION="([^"]+)"/m)?.[1] : undefined;
}

async function saidVersion(
  java: string,
  env: Record<string, string>,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const { stderr } = await promisify(execFile)(java, ["-version"], { env, signal, timeout: ANSWER_MS });
    return stderr.match(/version "([^"]+)"/)?.[1];
  } catch {
    // The java of a Mac without Java is a program that only says where to get one.
    signal.throwIfAborted();
    return undefined;
  }
}

/** Whether Python can neither find nor keep compiled modules beside PySpark: it would compile torch anew in each process. */
export function needsBytecodeFolder(home: string): boolean {
  if (existsSync(join(home, "__pycache__"))) return false;
  try {
    accessSync(home, constants.W_OK);
    return false;
  } catch {
    return true;
  }
}

function onPath(program: string, path: string): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, program))
    .find((candidate) => existsSync(candidate));
}

/** Major and minor: what jobs and jars must agree on. */
function line(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}

function compare(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split(".").map(Number));
  return (left?.[0] ?? 0) - (right?.[0] ?? 0) || (left?.[1] ?? 0) - (right?.[1] ?? 0);
}
