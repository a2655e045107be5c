/** Bundles the command line and the supervisor of local drivers into dist/: one CommonJS file each, quick to load. */
import { chmodSync } from "node:fs";
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

await Promise.all([
  build({ ...OPTIONS, entryPoints: ["orchestrator/cli.ts"], outfile: CLI, banner: { js: "#!/usr/bin/env node" } }),
  build({
    ...OPTIONS,
    entryPoints: ["orchestrator/backends/supervisor.ts"],
    outfile: join(ROOT, "dist/supervisor.cjs"),
  }),
]);
chmodSync(CLI, 0o755);
