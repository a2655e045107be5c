/** Bundles the command line and the supervisor of local drivers into dist/: one CommonJS file each, quick to load. */
import { chmodSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** CommonJS has its own words for the place of a module. */
const PLACE = {
  "import.meta.dirname": "__dirname",
  "import.meta.filename": "__filename",
  "import.meta.main": "false",
};

const OPTIONS = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  define: PLACE,
  minifySyntax: true,
  legalComments: "none",
  logLevel: "warning",
};

const CLI = join(ROOT, "dist/cli.cjs");

/**
 * What is started: it only loads the program, so that V8 can keep the compiled code between calls, and lets new objects fill more memory
 * before the first collection. Both are worth a third of a short call. A Node without a compile cache does without.
 */
const START = `#!/usr/bin/env node
"use strict";
require("node:v8").setFlagsFromString("--min-semi-space-size=16");
require("node:module").enableCompileCache?.();
require("./sparkwright.cjs");
`;

await Promise.all([
  build({ ...OPTIONS, entryPoints: ["orchestrator/cli.ts"], outfile: join(ROOT, "dist/sparkwright.cjs") }),
  build({
    ...OPTIONS,
    entryPoints: ["orchestrator/backends/supervisor.ts"],
    outfile: join(ROOT, "dist/supervisor.cjs"),
  }),
]);
writeFileSync(CLI, START);
chmodSync(CLI, 0o755);
