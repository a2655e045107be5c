/**
 * Suites that passed on the very files they read need not run again, as in other build tools. What a suite reads it says itself; besides
 * that count the programs it runs with. Kept in `.cache/passed.json`, per suite the last time it passed.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ask } from "./child.mjs";
import { ROOT } from "./places.mjs";

const FILE = join(ROOT, ".cache/passed.json");

/**
 * @typedef {{ name: string, reads?: (path: string) => boolean }} Suite one without `reads` is always run
 * @typedef {{ digest: string, at: string, passed: number, seconds: number }} Passed `at` in ISO 8601
 */

/**
 * Those of the suites that passed on the same files.
 * @param {Suite[]} suites
 * @returns {Map<string, Passed>} by name
 */
export function passedBefore(suites) {
  const known = remembered();
  const digests = digestsOf(suites);
  const same = suites.filter(({ name }) => digests.has(name) && known[name]?.digest === digests.get(name));
  return new Map(same.map(({ name }) => [name, known[name]]));
}

/**
 * Remembers what has passed whole.
 * @param {Map<string, string>} digests of the files as they were when the run began; a suite whose files changed meanwhile is left out
 * @param {Suite[]} suites
 * @param {{ name: string, passed: number, failed: number, skipped: string[], seconds: number }[]} rows
 */
export function remember(digests, suites, rows) {
  const now = digestsOf(suites);
  const whole = rows.filter(({ failed, skipped, passed }) => failed === 0 && skipped.length === 0 && passed > 0);
  const at = new Date().toISOString();
  const fresh = whole
    .filter(({ name }) => now.has(name) && now.get(name) === digests.get(name))
    .map(({ name, passed, seconds }) => [name, { digest: now.get(name), at, passed, seconds }]);
  mkdirSync(dirname(FILE), { recursive: true });
  writeFileSync(FILE, `${JSON.stringify({ ...remembered(), ...Object.fromEntries(fresh) }, null, 1)}\n`);
}

/**
 * Digests of what the suites read, by name; none where Git cannot say which files there are.
 * @param {Suite[]} suites
 * @param {string} [root]
 * @returns {Map<string, string>}
 */
export function digestsOf(suites, root = ROOT) {
  const files = listed(root);
  if (files === undefined) return new Map();
  const programs = [process.arch, process.version, ask("java", ["-version"]), ask("go", ["version"])].join("\n");
  const contents = new Map(files.map((path) => [path, contentDigest(join(root, path))]));
  return new Map(
    suites
      .filter(({ reads }) => reads !== undefined)
      .map(({ name, reads }) => {
        const lines = [...contents].filter(([path]) => reads(path)).map(([path, digest]) => `${digest} ${path}\n`);
        return [name, createHash("sha256").update(programs).update(lines.join("")).digest("hex")];
      }),
  );
}

/** Paths that are tracked or could be, in order. */
function listed(root) {
  const words = ["-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const text = ask("git", words, { maxBuffer: 1 << 26 });
  return text === undefined ? undefined : [...new Set(text.split("\0"))].filter((path) => path !== "").toSorted();
}

function contentDigest(file) {
  try {
    return createHash("sha256").update(readFileSync(file)).digest("hex");
  } catch {
    return "not a file"; // deleted, and Git not told yet
  }
}

function remembered() {
  try {
    return JSON.parse(readFileSync(FILE, "utf8"));
  } catch {
    return {}; // the first time, or half written
  }
}
