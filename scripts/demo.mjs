/**
 * `npm run demo`: the main pipeline on real retail data with local Spark; `npm run demo -- models`: every model and baseline beside each
 * other on the same data, and how well offers are ranked. Flags after `--` go to `sparkwright run`.
 */
import { join } from "node:path";
import { run } from "./child.mjs";
import { exitWith } from "./missing.mjs";
import { ROOT, environment } from "./places.mjs";
import { setup } from "./setup.mjs";

await exitWith(async () => {
  await setup();
  const words = process.argv.slice(2);
  const pipeline = words[0] === "models" ? words.shift() : "offers";
  const args = ["run", pipeline, "-f", "job-specs", "--target", "laptop", ...words];
  process.stderr.write(`\n$ ./sparkwright ${args.join(" ")}\n`);
  const code = await run(join(ROOT, "sparkwright"), args, { cwd: ROOT, env: environment() });
  process.stderr.write("(in this checkout, sparkwright is ./sparkwright)\n");
  return code;
});
