/** Everything about the sources that needs no run of the program: types, lint, format, generated files, lock files. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { run } from "./child.mjs";
import { exitWith } from "./missing.mjs";
import { REQUIREMENTS, ROOT, environment, nodeBinary, pythonBinary } from "./places.mjs";
import { staleSafeguards } from "./safeguards.mjs";
import { setup } from "./setup.mjs";

/** Name, and a command or a function giving what is wrong. */
const CHECKS = [
  ["types", [npmTool("tsc"), "--project", "."]],
  ["lint", [npmTool("oxlint"), "--type-aware", "--deny-warnings", "."]],
  ["format", [npmTool("oxfmt"), "--check", "."]],
  ["python lint", [pythonBinary(), "-m", "ruff", "check", "--no-cache", "spark-jobs"]],
  ["python format", [pythonBinary(), "-m", "ruff", "format", "--check", "--no-cache", "spark-jobs"]],
  ["generated files are fresh", [() => nodeBinary(), "orchestrator/generate.ts", "--check"]],
  ["lock files name no host", lockFileFindings],
  ["safeguards apply", staleSafeguards],
];

/**
 * Runs every check, also after one failed; what a failed one printed goes to standard error.
 * @returns {Promise<{ name: string, passed: boolean }[]>}
 */
export async function check() {
  const outcomes = [];
  for (const [name, how] of CHECKS) {
    const began = Date.now();
    const findings = typeof how === "function" ? how() : await output(how);
    const passed = findings === undefined;
    process.stderr.write(
      `check: ${passed ? "ok    " : "FAILED"} ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)\n`,
    );
    if (!passed) process.stderr.write(`${findings.trimEnd()}\n`);
    outcomes.push({ name, passed });
  }
  return outcomes;
}

async function output([command, ...args]) {
  const lines = [];
  const program = typeof command === "function" ? command() : command;
  const code = await run(program, args, { cwd: ROOT, env: environment(), onLine: (line) => lines.push(line) });
  return code === 0 ? undefined : `${lines.join("\n")}\n(exit code ${code})`;
}

/** A lock file that names a registry's host would break everybody who uses another one. */
function lockFileFindings() {
  const findings = [];
  const packages = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")).packages;
  for (const [name, entry] of Object.entries(packages)) {
    if (entry.resolved !== undefined) findings.push(`package-lock.json: ${name} has "resolved": ${entry.resolved}`);
    else if (name !== "" && entry.integrity === undefined) findings.push(`package-lock.json: ${name} has no integrity`);
  }
  readFileSync(REQUIREMENTS, "utf8")
    .split("\n")
    .forEach((line, at) => {
      if (/:\/\/|index-url|find-links/.test(line)) findings.push(`spark-jobs/requirements.lock:${at + 1}: ${line}`);
    });
  return findings.length === 0 ? undefined : findings.join("\n");
}

function npmTool(name) {
  return join(ROOT, "node_modules/.bin", name);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await exitWith(async () => {
    await setup();
    const outcomes = await check();
    const failed = outcomes.filter((outcome) => !outcome.passed).length;
    process.stdout.write(`${outcomes.length - failed} passed, ${failed} failed\n`);
    return failed === 0 ? 0 : 1;
  });
}
