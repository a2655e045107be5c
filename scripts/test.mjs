/**
 * The whole gate: set-up, checks, the TypeScript tests, the Python tests, those of both on real servers that are built here, runs under
 * faults, the pipeline and the failure classes on real pods (and with `--full` all faults, the safeguards and the tour). A suite that fails does not stop the next. The last line counts everything; with CI=true a skipped test fails the gate.
 * Names of suites, as in `npm test -- vitest pods`, choose some; `--quarter N` says which quarter of the long matrices, `--all` all of them.
 */
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { check } from "./check.mjs";
import { ask, run } from "./child.mjs";
import { MissingError, exitWith } from "./missing.mjs";
import { ROOT, environment, nodeBinary, pythonBinary } from "./places.mjs";
import { VARIABLE, chosenQuarter, quarterOf } from "./quarter.mjs";
import { safeguards } from "./safeguards.mjs";
import { packages, setup } from "./setup.mjs";
import { quickSpark } from "./spark-archive.mjs";
import { readJunit, readVitest } from "./test-report.mjs";
import { tour } from "./tour.mjs";

const REPORTS = join(ROOT, ".cache/reports");

/** Stages come one after the other, the lanes of a stage run at once, and so on within a lane. */
const STAGES = [
  [[{ name: "check", run: checks }]],
  [[{ name: "vitest", matrices: true, run: () => vitest("vitest", []) }]],
  [[{ name: "pytest", run: () => pytest("pytest", ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]) }]],
  // Classes, outages and pods share tier 2 of the testbed. An outage takes the operator's definition away, and with it all applications.
  [[{ name: "classes", matrices: true, needs: podsNeed, run: () => classes("none") }]],
  [
    // They wait for the cluster to notice; the others have servers of their own, which they compile should that not have been possible before.
    [{ name: "outages", matrices: true, needs: podsNeed, run: () => classes("only") }],
    [
      { name: "servers", needs: go, run: () => vitest("servers", ["--config", "vitest.cluster.config.ts"]) },
      { name: "pytest s3", needs: go, run: () => pytest("pytest-s3", ["-m", "s3"]) },
      { name: "faults", needs: go, run: faults },
    ],
  ],
  [[{ name: "pods", needs: podsNeed, run: () => testbed(["demo"]) }]],
  [[{ name: "safeguards", full: true, run: async () => counted(await safeguards([])) }]],
  [[{ name: "tour", full: true, run: async () => counted(await tour({ update: false, cold: false })) }]],
];
const SUITES = STAGES.flat(2);

await exitWith(async () => {
  const { full, names, quarter } = words();
  const suites = chosen(full, names);
  const start = Date.now();
  await prepared(suites);
  process.stderr.write(`set-up took ${secondsSince(start)} s\n`);
  rmSync(REPORTS, { recursive: true, force: true });
  mkdirSync(REPORTS, { recursive: true });
  const rows = await withTestbed(suites, () => inStages(suites, full));
  return report(rows, suites.some(({ matrices }) => matrices) ? quarter : undefined);
});

/** Runs the suites, stage by stage; a row of the report for each. */
async function inStages(suites, full) {
  const rows = [];
  for (const stage of STAGES)
    rows.push(
      ...(await Promise.all(
        stage.map((lane) =>
          inTurn(
            lane.filter((suite) => suites.includes(suite)),
            full,
          ),
        ),
      )),
    );
  return rows.flat();
}

async function inTurn(lane, full) {
  const rows = [];
  for (const suite of lane) {
    process.stderr.write(`\n== ${suite.name}\n`);
    rows.push(await outcome(suite, full));
  }
  return rows;
}

async function outcome({ name, needs, run: work }, full) {
  const began = Date.now();
  const lacking = await needs?.();
  const counts = lacking === undefined ? await work(full) : { passed: 0, failed: 0, skipped: [lacking] };
  return { name, ...counts, seconds: secondsSince(began) };
}

/** What was asked for; the quarter of the long matrices reaches the suites by the environment. */
function words() {
  const options = { full: { type: "boolean" }, all: { type: "boolean" }, quarter: { type: "string" } };
  let parsed;
  try {
    parsed = parseArgs({ allowPositionals: true, options });
  } catch (error) {
    throw new MissingError(
      `Cannot run the tests: ${error.message}`,
      "Usage: npm test -- [--quarter N | --all] [SUITE...]",
    );
  }
  const { full = false, all = false, quarter: asked } = parsed.values;
  const quarter = chosenQuarter({ asked, full: full || all, ci: process.env.CI === "true" });
  quarterOf([], quarter);
  if (quarter === undefined) delete process.env[VARIABLE];
  else process.env[VARIABLE] = quarter;
  return { full, names: parsed.positionals, quarter };
}

/**
 * Everything that is made once. The servers are compiled beside set-up, which mostly waits for downloads. That they cannot be is for the
 * suites that need them to say.
 */
async function prepared(suites) {
  await packages();
  const leave = new AbortController();
  try {
    await Promise.all([setup(), servers(suites, leave.signal)]);
  } finally {
    leave.abort();
  }
}

/** Compiles what the suites need of the testbed; of tier 2 its image as well. */
async function servers(suites, signal) {
  const needing = suites.filter(({ needs }) => needs !== undefined);
  if (needing.length === 0 || go() !== undefined) return;
  const tier = needing.some(({ needs }) => needs === podsNeed) && (await podsNeed()) === undefined ? "2" : "1";
  const args = ["test/testbed/testbed.ts", "build", "--tier", tier];
  await run(nodeBinary(), args, { cwd: ROOT, env: environment(), signal }).catch(() => undefined);
}

/** All suites of the gate, or those that are named. */
function chosen(full, names) {
  const unknown = names.find((name) => SUITES.every((suite) => suite.name !== name));
  if (unknown !== undefined)
    throw new MissingError(
      `Cannot run suite ${unknown}: there is none`,
      `Choose from ${SUITES.map(({ name }) => `"${name}"`).join(", ")}`,
    );
  return SUITES.filter((suite) => (names.length === 0 ? full || suite.full !== true : names.includes(suite.name)));
}

async function checks() {
  return counted(await check());
}

async function vitest(name, options) {
  const file = join(REPORTS, `${name}.json`);
  const args = ["run", ...options, "--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
  const code = await run(nodeBinary(), [join(ROOT, "node_modules/vitest/vitest.mjs"), ...args], {
    cwd: ROOT,
    env: { ...environment(), ...(await quickSpark()) },
  });
  return settled(code, readVitest(read(file)));
}

async function pytest(name, options) {
  const file = join(REPORTS, `${name}.xml`);
  const code = await run(pythonBinary(), ["-m", "pytest", ...options, `--junitxml=${file}`, "--durations=5"], {
    cwd: join(ROOT, "spark-jobs"),
    env: { ...environment(), ...(await quickSpark()) },
  });
  return settled(code, readJunit(read(file)));
}

/** One test: no plan may end with anything lost, done twice or told wrongly. */
async function faults(full) {
  const args = ["test/faults/faults.ts", ...(full ? ["--full"] : [])];
  const code = await run(nodeBinary(), args, { cwd: ROOT, env: environment() });
  return counted([{ passed: code === 0 }]);
}

/** Failure classes on real pods: those that leave the cluster as it is, or only those that do not. */
async function classes(outages) {
  return testbed(["classes", "--at-once", "3", "--outages", outages]);
}

/** One test: tier 2 is up or comes up, and the command does what it should. */
async function testbed(words) {
  const ended = [];
  for (const each of [["up", "--tier", "2"], words]) ended.push(await onTestbed(each));
  return counted([{ passed: ended.every((code) => code === 0) }]);
}

/** Ends a testbed that was not up before, one more test: nothing of it may stay. */
async function withTestbed(suites, work) {
  const isUsed = suites.some(({ needs }) => needs === podsNeed);
  const wasUp = isUsed && (await onTestbed(["status", "--tier", "2"])) === 0;
  const rows = await work();
  if (!isUsed || wasUp || (await podsNeed()) !== undefined) return rows;
  const began = Date.now();
  const passed = (await onTestbed(["down", "--verify"])) === 0;
  return [...rows, { name: "testbed", ...counted([{ passed }]), seconds: secondsSince(began) }];
}

function onTestbed(words) {
  return run(nodeBinary(), ["test/testbed/testbed.ts", ...words], { cwd: ROOT, env: environment() });
}

function secondsSince(began) {
  return Math.round((Date.now() - began) / 1000);
}

/** What is missing to build servers; undefined when nothing is. */
function go() {
  return ask("go", ["version"]) === undefined ? "all of it: there is no Go to build the servers with" : undefined;
}

/** What this machine lacks for tier 2 of the testbed, from the lines of its check; undefined when nothing. */
async function podsNeed() {
  const lines = [];
  const onLine = (line) => lines.push(line);
  const code = await run(nodeBinary(), ["test/testbed/testbed.ts", "check"], { cwd: ROOT, env: environment(), onLine });
  if (code === 0) return go();
  const lacking = lines.filter((line) => !line.endsWith(" ok")).map((line) => line.replace(/ {2,}/, ": "));
  return `all of it: real pods need ${lacking.join("; ")}`;
}

/** A suite that ended badly although no test of it failed (a crash, a failed import) counts as one failure. */
function settled(code, counts) {
  const { passed, failed, skipped } = counts ?? { passed: 0, failed: 0, skipped: [] };
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed, skipped };
}

function counted(outcomes) {
  const failed = outcomes.filter((outcome) => !outcome.passed).length;
  return { passed: outcomes.length - failed, failed, skipped: [] };
}

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined; // the runner ended before it wrote its report
  }
}

/** Prints what was skipped, a line per suite and the closing line; gives the exit code. */
function report(rows, quarter) {
  const skipped = rows.flatMap((row) => row.skipped.map((test) => `${row.name}: ${test}`));
  process.stdout.write("\n");
  for (const test of skipped) process.stdout.write(`skipped ${test}\n`);
  for (const row of rows) {
    process.stdout.write(
      `${row.name.padEnd(10)} ${row.passed} passed, ${row.failed} failed, ${row.skipped.length} skipped in ${row.seconds} s\n`,
    );
  }
  if (quarter !== undefined)
    process.stdout.write(
      `of the long matrices quarter ${quarter} of 4 was run (again: -- --quarter ${quarter}; all of each: -- --all)\n`,
    );
  const sum = (field) => rows.reduce((total, row) => total + row[field], 0);
  const strict = process.env.CI === "true" && skipped.length > 0;
  if (strict) process.stdout.write("Cannot pass: with CI=true nothing may be skipped\n");
  process.stdout.write(`${sum("passed")} passed, ${sum("failed")} failed, ${skipped.length} skipped\n`);
  return sum("failed") === 0 && sum("passed") > 0 && !strict ? 0 : 1;
}
