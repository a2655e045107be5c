/** dist/cli.cjs: the command line as one file, made again when a source changed. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./child.mjs";
import { MissingError } from "./missing.mjs";
import { ROOT, environment, nodeBinary } from "./places.mjs";

const BUNDLE = join(ROOT, "dist/cli.cjs");
const STAMP = join(ROOT, "dist/.sources");

/** Whether the bundle is there and made from the present sources. */
export function bundleIsFresh() {
  return existsSync(BUNDLE) && existsSync(STAMP) && readFileSync(STAMP, "utf8") === sources();
}

/**
 * @param {(line: string) => void} say
 * @throws {MissingError} when a source cannot be bundled
 */
export async function buildBundle(say) {
  const before = sources();
  say("building dist/cli.cjs ...");
  const code = await run(nodeBinary(), [join(ROOT, "scripts/build.mjs")], {
    cwd: ROOT,
    env: environment(),
    stdio: ["ignore", 2, 2],
  });
  if (code !== 0)
    throw new MissingError(
      "Cannot build dist/cli.cjs: see the lines above",
      "Mend the source named there and start again",
    );
  writeFileSync(STAMP, before);
}

/** Digest of every file that the bundle is made from. */
function sources() {
  const hash = createHash("sha256");
  const folder = join(ROOT, "orchestrator");
  const files = readdirSync(folder, { recursive: true }).filter((file) => /\.(ts|json)$/.test(file));
  const all = [
    ...files.toSorted().map((file) => join(folder, file)),
    ...["package.json", "package-lock.json", "scripts/build.mjs", "scripts/tree-shaking.mjs"].map((file) =>
      join(ROOT, file),
    ),
  ];
  for (const file of all)
    hash
      .update(`${file.slice(ROOT.length)}\0`)
      .update(readFileSync(file))
      .update("\0");
  return hash.digest("hex");
}
