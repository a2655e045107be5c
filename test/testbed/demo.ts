/** The main pipeline on the testbed: a share of the households goes to S3, then every step runs on real driver and executor pods. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { run } from "../../scripts/child.mjs";
import { MissingError } from "../../scripts/missing.mjs";
import { environment, pythonBinary } from "../../scripts/places.mjs";
import { output, say, timed } from "./command.ts";
import { sparkImage } from "./image.ts";
import { ROOT, SOURCES, inRun } from "./places.ts";
import { submitter } from "./submitter.ts";

/** Dataset from outside and the file that holds it. */
const TABLES: Record<string, string> = {
  transactions: "transactions.parquet",
  products: "products.parquet",
  "campaign-descriptions": "campaign_descriptions.parquet",
  campaigns: "campaigns.parquet",
  coupons: "coupons.parquet",
};

const TARGETS = ["cluster", "laptop"];

/** Folder of the raw tables and of the specs, which are those of the project with targets of the testbed. */
const DATA = inRun("demo/retail");
const SPECS = inRun("demo/specs");

/**
 * Prepares data and specs and runs the pipeline; gives its exit code. Tier 2 must be up.
 * @throws {MissingError} tables cannot be made or sent
 */
export async function demo(share: number): Promise<number> {
  const specs = await prepare(share);
  const code = await sparkwright(["run", "offers", "-f", specs, "--target", "cluster"]);
  say('for more commands on this cluster and its store: eval "$(npm run --silent testbed -- env)"');
  say(`the same on this machine: ./sparkwright run offers -f ${specs} --target laptop`);
  return code;
}

/**
 * Makes the tables of a share of the households, sends them to S3, and makes specs with the targets `cluster` and `laptop`; gives their
 * folder, from the root of the project.
 * @throws {MissingError} tables cannot be made or sent
 */
export async function prepare(share: number): Promise<string> {
  await timed(`raw tables of ${share * 100} % of the households`, () => makeTables(share));
  makeSpecs();
  const specs = relative(ROOT, SPECS);
  for (const [dataset, file] of Object.entries(TABLES)) {
    const put = ["dataset", "put", dataset, join(relative(ROOT, DATA), file), "-f", specs, "--target", "cluster"];
    if ((await sparkwright(put)) !== 0)
      throw new MissingError(
        `Cannot send ${file} to S3`,
        "See what was said above; npm run testbed -- status --tier 2",
      );
  }
  return specs;
}

function makeTables(share: number): void {
  process.stderr.write(output(pythonBinary(), [join(SOURCES, "households.py"), DATA, `--share=${share}`]));
}

/** Jobs, pipeline, rules and datasets as they are; only the targets are others. */
function makeSpecs(): void {
  const specs = join(ROOT, "job-specs");
  rmSync(SPECS, { recursive: true, force: true });
  cpSync(specs, SPECS, { recursive: true, filter: (path) => !/^(targets|schema)(\/|$)/.test(relative(specs, path)) });
  mkdirSync(join(SPECS, "targets"));
  const image = sparkImage();
  if (image === undefined)
    throw new MissingError("Cannot name the Spark image: it is not imported", "Run npm run testbed -- up --tier 2");
  for (const name of TARGETS) {
    const text = readFileSync(join(SOURCES, "targets", `${name}.yaml`), "utf8");
    writeFileSync(
      join(SPECS, "targets", `${name}.yaml`),
      text.replace(/^( +image: )SPARKWRIGHT_IMAGE$/m, `$1${image}`),
    );
  }
}

/** Runs our command line. */
function sparkwright(args: string[]): Promise<number> {
  process.stderr.write(`\n$ ./sparkwright ${args.join(" ")}\n`);
  return run(join(ROOT, "sparkwright"), args, { cwd: ROOT, env: { ...environment(), ...submitter() } });
}
