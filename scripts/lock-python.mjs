/** `npm run lock:python`: compiles spark-jobs/requirements.in to requirements.lock, for every Python from 3.11 and every platform, without naming a host. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { run } from "./child.mjs";
import { MissingError, exitWith } from "./missing.mjs";
import { CACHE, ROOT } from "./places.mjs";
import { findPython } from "./python-environment.mjs";

const UV = "0.13.9";

await exitWith(async () => {
  const folder = join(CACHE, `uv-${UV}`);
  const uv = join(folder, "bin/uv");
  if (!existsSync(uv)) {
    await must(findPython(), ["-m", "venv", folder]);
    await must(join(folder, "bin/python"), ["-m", "pip", "install", "--quiet", `uv==${UV}`]);
  }
  const options = [
    "--universal",
    "--python-version",
    "3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-annotate",
    "--no-header",
  ];
  await must(uv, [
    "pip",
    "compile",
    ...options,
    ...process.argv.slice(2),
    "spark-jobs/requirements.in",
    "--quiet",
    "-o",
    "spark-jobs/requirements.lock",
  ]);
});

async function must(command, args) {
  const code = await run(command, args, { cwd: ROOT });
  if (code !== 0)
    throw new MissingError(
      `Cannot lock the Python packages: ${args.slice(0, 3).join(" ")} ended with exit code ${code}`,
      "See the lines above",
    );
}
