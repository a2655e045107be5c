/**
 * `npm run safeguards [-- NAME…]`: each patch in test/safeguards/ takes one safeguard away; its test must then fail.
 * The patches are applied to a copy of the working tree, never to the tree itself. Prints red (good), or green (the safeguard is not tested) and fails.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { MissingError, exitWith } from "./missing.mjs";
import { ROOT, environment, nodeBinary, pythonBinary } from "./places.mjs";
import { setup } from "./setup.mjs";
import { quickSpark } from "./spark-archive.mjs";
import { copyTree } from "./working-tree.mjs";

const FOLDER = join(ROOT, "test/safeguards");
const LONGEST_TEST_MS = 10 * 60_000;

/**
 * @param {string[]} only parts of patch names; empty: all
 * @returns {Promise<{ name: string, passed: boolean }[]>} one per patch; passed: the test was red
 */
export async function safeguards(only) {
  const all = patchFiles();
  const files = all.filter((file) => only.length === 0 || only.some((part) => file.includes(part)));
  const patches = files.map(readPatch);
  const copy = mkdtempSync(join(tmpdir(), "sparkwright-safeguards-"));
  try {
    prepare(copy);
    const env = { ...environment(), ...(await quickSpark()), NO_COLOR: "1", CI: "true" };
    const untouched = new Map();
    return patches.map((patch) => {
      const verdict = judge(patch, { copy, env }, untouched);
      process.stdout.write(`${verdict.padEnd(5)} ${patch.file.padEnd(36)} ${patch.invariant}\n`);
      return { name: patch.file, passed: verdict === "red" };
    });
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** What is wrong with the patches that no longer apply to the working tree; undefined when all do. */
export function staleSafeguards() {
  const stale = patchFiles().flatMap((file) => apply(ROOT, file, ["--check"]) ?? []);
  return stale.length === 0 ? undefined : stale.join("");
}

function patchFiles() {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith(".patch"))
    .toSorted();
}

/** The three header lines of a patch: which invariant, which test, and what the failing test says. */
function readPatch(file) {
  const text = readFileSync(join(FOLDER, file), "utf8");
  const header = (name) => {
    const found = new RegExp(`^# ${name}: (.+)$`, "m").exec(text);
    if (!found)
      throw new MissingError(
        `Cannot use test/safeguards/${file}: the header line "# ${name}: ..." is missing`,
        "See CONTRIBUTING.md",
      );
    return found[1].trim();
  };
  return { file, invariant: header("invariant"), test: header("test"), red: header("red") };
}

/** red: the test fails without the safeguard, in the way the patch says; anything else is a finding, told on standard error. */
function judge(patch, place, untouched) {
  if (!untouched.has(patch.test)) untouched.set(patch.test, runTest(patch.test, place));
  const before = untouched.get(patch.test);
  if (!before.passed)
    return tell("broken", patch, `its test fails although nothing is removed: ${patch.test}`, before.output);
  const applied = apply(place.copy, patch.file, []);
  if (applied !== undefined) return tell("stale", patch, "the patch no longer applies", applied);
  const after = runTest(patch.test, place);
  apply(place.copy, patch.file, ["--reverse"]);
  if (after.passed) return tell("green", patch, `its test does not notice: ${patch.test}`, "");
  if (!after.output.includes(patch.red))
    return tell("other", patch, `its test fails, but says nothing of "${patch.red}"`, after.output);
  return "red";
}

function tell(verdict, patch, why, output) {
  process.stderr.write(`safeguards: ${patch.file}: ${why}\n${output.split("\n").slice(-40).join("\n")}\n`);
  return verdict;
}

/** Applies a patch in a tree; gives what went wrong. */
function apply(tree, file, options) {
  const { status, stderr } = spawnSync("git", ["apply", "--unidiff-zero", ...options, join(FOLDER, file)], {
    cwd: tree,
    encoding: "utf8",
  });
  return status === 0 ? undefined : stderr;
}

/** @param {string} test `vitest ARGS` or `pytest ARGS` (below spark-jobs/) */
function runTest(test, { copy, env }) {
  const [runner, ...args] = test.match(/"[^"]*"|\S+/g).map((word) => word.replaceAll('"', ""));
  const [command, before, cwd] =
    runner === "pytest"
      ? [pythonBinary(), ["-m", "pytest", "-x"], join(copy, "spark-jobs")]
      : [nodeBinary(), [join(ROOT, "node_modules/vitest/vitest.mjs"), "run"], copy];
  const result = spawnSync(command, [...before, ...args], {
    cwd,
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    timeout: LONGEST_TEST_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  const end = result.error?.code === "ETIMEDOUT" ? "\ntimed out" : "";
  return { passed: result.status === 0, output: `${result.stdout}${result.stderr}${end}` };
}

/** A copy with what set-up made linked in. */
function prepare(copy) {
  copyTree(copy);
  for (const shared of ["node_modules", ".cache"]) symlinkSync(join(ROOT, shared), join(copy, shared));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await exitWith(async () => {
    await setup();
    const outcomes = await safeguards(process.argv.slice(2));
    const failed = outcomes.filter((outcome) => !outcome.passed).length;
    process.stdout.write(`${outcomes.length - failed} passed, ${failed} failed\n`);
    return failed === 0 && outcomes.length > 0 ? 0 : 1;
  });
}
