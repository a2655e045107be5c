/** Failures of real jobs under real Spark, as people see them: class, cause with file and column, remedy, exit code; and nothing is lost. */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lockedPython } from "../orchestrator/backends/python.ts";
import { bearers } from "../orchestrator/process.ts";
import { quarterOf } from "../scripts/quarter.mjs";
import { ensureBuilt, makePlace, run, start, type Ended, type Place } from "./program.ts";

const ROOT = join(import.meta.dirname, "..");
const data = join(mkdtempSync(join(tmpdir(), "sparkwright-failures-")), "data");

beforeAll(async () => {
  execFileSync(lockedPython(ROOT), [join(import.meta.dirname, "failures/data.py"), data]);
  await ensureBuilt();
}, 120_000);

afterAll(() => rmSync(join(data, ".."), { recursive: true }));

function project(): Place {
  const place = makePlace("shop", join(import.meta.dirname, "failures"));
  cpSync(data, join(place.folder, "data"), { recursive: true });
  return place;
}

const RUN = ["run", "features", "--target", "laptop"];

/** Lines of the failure as the end of the run shows it. */
function failureOf({ stdout }: Ended): string {
  return /^Failures\n((?: {2}.*\n)+)/m.exec(stdout)?.[1] ?? stdout;
}

describe("a job that cannot succeed", { timeout: 600_000 }, () => {
  const DATA = [
    ["missing", /ConfigError/, /column price.*missing\.parquet|missing\.parquet.*column price|price/],
    ["empty", /ConfigError/, /empty/],
    ["corrupt", /ConfigError/, /corrupt\.parquet/],
    ["cut", /ConfigError/, /cut\.parquet/],
    ["mixed", /ConfigError/, /price.*b\.parquet|b\.parquet.*price/],
  ] as const;

  test.for(quarterOf(DATA))(
    "%s data: the file, the column and a remedy, at the first attempt",
    async ([name, failure, cause]) => {
      const ended = await run(project(), [...RUN, "--param", `data=${name}`]);

      expect(ended.code).toBe(1);
      expect(failureOf(ended)).toMatch(failure);
      expect(/cause +(.*)/.exec(failureOf(ended))?.[1]).toMatch(cause);
      expect(failureOf(ended)).toMatch(/remedy +\S/);
      expect(ended.stderr).not.toMatch(/^ +at /m);
    },
  );

  test("rows that fail a check: nothing is published; the same rows with a warning are, and are profiled", async () => {
    const place = project();
    const file = join(place.folder, "job-specs/datasets.yaml");
    const spec = (more: string): void => {
      const text = readFileSync(file, "utf8").replace(
        /(name: features \}\nspec: )\{.*\}/,
        `$1{ format: parquet, ${more} }`,
      );
      writeFileSync(file, text);
    };
    const checks = (onFailure: string): string =>
      `checks: [{ rule: rows, min: 1000, onFailure: ${onFailure} }, { rule: unique, columns: [entity] }]`;
    const shown = async (): Promise<string> => (await run(place, ["dataset", "show", "features@current"])).stdout;
    expect((await run(place, RUN)).code).toBe(0);
    const before = await shown();

    spec(checks("fail"));
    const failed = await run(place, RUN);
    const kept = await shown();
    spec(`profile: true, ${checks("warn")}`);
    const warned = await run(place, RUN);

    expect(failed.code).toBe(1);
    expect(failureOf(failed)).toMatch(/ConfigError/);
    expect(failureOf(failed)).toMatch(/cause +Cannot publish features: rows: found 100, expected from 1,000\n/);
    expect(failureOf(failed)).toMatch(/remedy +Correct the data or the job, or the checks of dataset features, then/);
    expect(kept.replaceAll(/\(\S+ ago\)/g, "")).toBe(before.replaceAll(/\(\S+ ago\)/g, ""));
    expect(warned.code, warned.stderr).toBe(0);
    const told = (await run(place, ["describe", "@latest"])).stdout;
    expect(told).toContain("features: rows: found 100, expected from 1,000\n");
    expect(told).toMatch(
      /Checks of features\n.*RULE +FOUND +BOUND +VERDICT\n.*rows +100 +from 1,000 +warns\n.*passes\n/,
    );
    expect(await shown()).toMatch(/COLUMN +TYPE +NULLS +DISTINCT +MIN +MAX\nentity +string +0 +/);
  });

  test("driver out of memory: tried once more with more memory", async () => {
    const place = project();

    const ended = await run(place, ["run", "greedy", "--target", "laptop"]);

    expect(ended.code).toBe(1);
    expect(failureOf(ended)).toMatch(/OutOfMemory/);
    expect((await run(place, ["describe", "@latest"])).stdout).toMatch(/attempt 2 submitted as \S+, memory × 1.5/);
  });

  test("exit 0 without its output", async () => {
    const ended = await run(project(), ["run", "silent", "--target", "laptop"]);

    expect(ended.code).toBe(1);
    expect(failureOf(ended)).toMatch(/OutputMissing/);
  });

  test("port in use", async () => {
    const place = project();
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((done) => server.once("listening", done));
    const { port } = server.address() as AddressInfo;
    const file = join(place.folder, "job-specs/targets.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replace("PORT", String(port)));

    const ended = await run(place, ["run", "features", "--target", "one-port"]);
    server.close();

    expect(ended.code).toBe(1);
    expect(failureOf(ended)).toContain(`port ${port}`);
    expect(failureOf(ended)).toMatch(/remedy +\S/);
  });

  test("spark-submit killed: said so, and a retry succeeds", async () => {
    const place = project();
    const going = start(place, RUN);
    await going.says("features: reading lines");
    const { marker } = JSON.parse(
      readFileSync(join(place.folder, ".sparkwright/runs/features-1/features/1/started.json"), "utf8"),
    ) as { marker: string };
    for (const pid of bearers("SPARKWRIGHT_ATTEMPT", marker)) process.kill(pid, "SIGKILL");

    const ended = await going.ended;

    expect(ended.code).toBe(1);
    expect(failureOf(ended)).toContain("killed by SIGKILL");
    const retried = await run(place, ["retry", "features-1"]);
    expect(retried.stdout).toMatch(/^features +FeatureJob +Succeeded +2\/2/m);
  });

  const canMount = spawnSync("unshare", ["-rm", "mount", "-t", "tmpfs", "none", "/mnt"]).status === 0;

  test.skipIf(!canMount)("disk full: said so, and with more room a retry succeeds", () => {
    const place = project();
    const command = "sparkwright run features --target laptop --param data=large --store full";
    const script = `mkdir full && mount -t tmpfs -o size=2m none full && { ${command}; echo "== returned $?"; mount -o remount,size=200m full; sparkwright retry @latest --store full || sparkwright resume @latest --store full; }`;

    const { stdout, stderr, status } = spawnSync("unshare", ["-rm", "bash", "-c", script], {
      cwd: place.folder,
      env: place.env,
      encoding: "utf8",
    });

    const [before = "", after = ""] = stdout.split(/^== returned [12]\n/m);
    expect(`${before}${stderr}`).toMatch(/disk is full|no space is left/i);
    expect(`${before}${stderr}`).not.toMatch(/^ +at /m);
    expect(after).toMatch(/^features +FeatureJob +Succeeded/m);
    expect(status).toBe(0);
  });
});
