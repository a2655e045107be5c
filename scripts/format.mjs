/** `npm run format`: writes the format that `npm run check` asks for. */
import { join } from "node:path";
import { run } from "./child.mjs";
import { exitWith } from "./missing.mjs";
import { ROOT, environment, pythonBinary } from "./places.mjs";
import { setup } from "./setup.mjs";

await exitWith(async () => {
  await setup();
  const options = { cwd: ROOT, env: environment() };
  const codes = [
    await run(join(ROOT, "node_modules/.bin/oxfmt"), ["."], options),
    await run(pythonBinary(), ["-m", "ruff", "check", "--fix", "--no-cache", "spark-jobs"], options),
    await run(pythonBinary(), ["-m", "ruff", "format", "--no-cache", "spark-jobs"], options),
  ];
  return Math.max(...codes);
});
