/**
 * `npm run tour`: clones HEAD, runs every ```sh block of the README there in a clean HOME and compares what it prints with the block that follows it.
 * `--update` writes what was printed into the README instead; `--cold` shares no cache, so that set-up is done from nothing;
 * `--here` copies the working tree instead of HEAD.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { MissingError, exitWith } from "./missing.mjs";
import { CACHE, ROOT } from "./places.mjs";
import { blocksOf, differences, trimmed, withOutputs } from "./readme-blocks.mjs";
import { copyTree } from "./working-tree.mjs";

const LONGEST_BLOCK_MS = 40 * 60_000;
const README = join(ROOT, "README.md");

/**
 * @param {{ update: boolean, cold: boolean, here?: boolean }} options
 * @returns {Promise<{ name: string, passed: boolean }[]>} one per command block
 */
export async function tour({ update, cold, here = false }) {
  const place = mkdtempSync(join(tmpdir(), "sparkwright-tour-"));
  const checkout = join(place, "checkout");
  try {
    if (here) copyTree(checkout);
    else clone(checkout);
    const env = cleanEnvironment(join(place, "home"), cold);
    const page = readFileSync(join(checkout, "README.md"), "utf8");
    const outputs = new Map();
    const outcomes = blocksOf(page).map((block) => {
      const { output, problems } = visit(block, checkout, env, update);
      outputs.set(block, output);
      return { name: block.command.split("\n")[0], passed: problems.length === 0 };
    });
    if (update && outcomes.every((outcome) => outcome.passed)) updateReadme(page, outputs);
    return outcomes;
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

function visit(block, checkout, env, update) {
  const began = Date.now();
  const result = spawnSync("bash", ["-e", "-c", block.command], {
    cwd: checkout,
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    timeout: LONGEST_BLOCK_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  const output = trimmed(result.stdout.replaceAll(`${checkout}/`, ""));
  const problems =
    result.status === 0
      ? []
      : [`exit code ${result.status ?? result.signal}`, ...result.stderr.trimEnd().split("\n").slice(-30)];
  if (!update && block.expected !== undefined) problems.push(...differences(trimmed(block.expected), output));
  const seconds = ((Date.now() - began) / 1000).toFixed(1);
  process.stderr.write(
    `tour: ${problems.length === 0 ? "ok  " : "diff"} ${block.command.split("\n").join("; ")} (${seconds} s)\n`,
  );
  for (const problem of problems) process.stderr.write(`        ${problem}\n`);
  return { output, problems };
}

/** Only the output blocks are changed, and only while the page is the one that was run. */
function updateReadme(page, outputs) {
  if (readFileSync(README, "utf8") !== page) {
    throw new MissingError("Cannot update README.md: it is not the page that was run", "Commit it, or run with --here");
  }
  writeFileSync(README, withOutputs(page, outputs));
}

function clone(checkout) {
  const { status, stderr } = spawnSync("git", ["clone", "--quiet", "--no-hardlinks", ROOT, checkout], {
    encoding: "utf8",
  });
  if (status !== 0)
    throw new MissingError(
      `Cannot clone this checkout: ${stderr.trim()}`,
      "Commit something first, or run with --here",
    );
}

/** A HOME of its own and nothing of npm's or ours from outside. The package managers' settings and caches are taken along unless it is to be cold. */
function cleanEnvironment(home, cold) {
  mkdirSync(home);
  const ours = Object.entries(process.env).filter(
    ([name]) =>
      !/^(npm_|SPARKWRIGHT_|VIRTUAL_ENV|NODE_OPTIONS)/.test(name) || /^npm_config_(registry|cafile)$/.test(name),
  );
  const env = { ...Object.fromEntries(ours), HOME: home, NO_COLOR: "1" };
  if (cold) return env;
  return {
    ...env,
    SPARKWRIGHT_CACHE: CACHE,
    npm_config_cache: process.env.npm_config_cache ?? join(homedir(), ".npm"),
    PIP_CACHE_DIR: process.env.PIP_CACHE_DIR ?? join(homedir(), ".cache/pip"),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await exitWith(async () => {
    const flag = (name) => process.argv.includes(name);
    const outcomes = await tour({ update: flag("--update"), cold: flag("--cold"), here: flag("--here") });
    const failed = outcomes.filter((outcome) => !outcome.passed).length;
    process.stdout.write(`${outcomes.length - failed} passed, ${failed} failed\n`);
    return failed === 0 && outcomes.length > 0 ? 0 : 1;
  });
}
