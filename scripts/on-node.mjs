/** Runs a TypeScript file on a Node that is new enough, after set-up: `node scripts/on-node.mjs FILE [ARGS]`. */
import { resolve } from "node:path";
import { run } from "./child.mjs";
import { exitWith } from "./missing.mjs";
import { ROOT, environment, nodeBinary } from "./places.mjs";
import { setup } from "./setup.mjs";

await exitWith(async () => {
  const [file, ...args] = process.argv.slice(2);
  await setup();
  return run(nodeBinary(), [resolve(ROOT, file), ...args], { cwd: ROOT, env: environment() });
});
