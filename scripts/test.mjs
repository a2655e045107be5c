/**
 * The whole gate: set-up, checks, the TypeScript tests, the Python tests (and with `--full` the safeguards and the tour).
 * A suite that fails does not stop the next. The last line counts everything; with CI=true a skipped test fails the gate.
 */
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { check } from "./check.mjs";
import { run } from "./child.mjs";
import { exitWith } from "./missing.mjs";
import { ROOT, environment, nodeBinary, pythonBinary } from "./places.mjs";
import { safeguards } from "./safeguards.mjs";
import { setup } from "./setup.mjs";
import { readJunit, readVitest } from "./test-report.mjs";
import { tour } from "./tour.mjs";

const REPORTS = join(ROOT, ".cache/reports");

const SUITES = [
  { name: "check", full: false, run: checks },
  { name: "vitest", full: false, run: vitest },
  { name: "pytest", full: false, run: pytest },
  { name: "safeguards", full: true, run: async () => counted(await safeguards([])) },
  { name: "tour", full: true, run: async () => counted(await tour({ update: false, cold: false })) },
];

await exitWith(async () => {
  await setup();
  const full = process.argv.includes("--full");
  rmSync(REPORTS, { recursive: true, force: true });
  mkdirSync(REPORTS, { recursive: true });
  const rows = [];
  for (const suite of SUITES.filter((each) => full || !each.full)) {
    process.stderr.write(`\n== ${suite.name}\n`);
    const began = Date.now();
    rows.push({ name: suite.name, ...(await suite.run()), seconds: Math.round((Date.now() - began) / 1000) });
  }
  return report(rows);
});

async function checks() {
  return counted(await check());
}

async function vitest() {
  const file = join(REPORTS, "vitest.json");
  const args = ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
  const code = await run(nodeBinary(), [join(ROOT, "node_modules/vitest/vitest.mjs"), ...args], {
    cwd: ROOT,
    env: environment(),
  });
  return settled(code, readVitest(read(file)));
}

async function pytest() {
  const file = join(REPORTS, "pytest.xml");
  const code = await run(pythonBinary(), ["-m", "pytest", `--junitxml=${file}`, "--durations=5"], {
    cwd: join(ROOT, "spark-jobs"),
    env: environment(),
  });
  return settled(code, readJunit(read(file)));
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
function report(rows) {
  const skipped = rows.flatMap((row) => row.skipped.map((test) => `${row.name}: ${test}`));
  process.stdout.write("\n");
  for (const test of skipped) process.stdout.write(`skipped ${test}\n`);
  for (const row of rows) {
    process.stdout.write(
      `${row.name.padEnd(10)} ${row.passed} passed, ${row.failed} failed, ${row.skipped.length} skipped in ${row.seconds} s\n`,
    );
  }
  const sum = (field) => rows.reduce((total, row) => total + row[field], 0);
  const strict = process.env.CI === "true" && skipped.length > 0;
  if (strict) process.stdout.write("Cannot pass: with CI=true nothing may be skipped\n");
  process.stdout.write(`${sum("passed")} passed, ${sum("failed")} failed, ${skipped.length} skipped\n`);
  return sum("failed") === 0 && sum("passed") > 0 && !strict ? 0 : 1;
}
