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

/**
 * Packages that few commands need, in files of their own beside the command line, so that the other commands need not load them; with what
 * is used of them. Only modules that are imported lazily may import them.
 */
const APART = {
  "kubernetes-client.cjs": {
    "@kubernetes/client-node": "{ KubeConfig }",
    undici: "{ Agent, ProxyAgent }",
  },
  "s3-client.cjs": {
    "@aws-sdk/client-s3":
      "{ DeleteObjectCommand, DeleteObjectsCommand, GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client }",
  },
};

const keepApart = {
  name: "keep-apart",
  setup({ onResolve }) {
    for (const [file, packages] of Object.entries(APART)) {
      const filter = new RegExp(`^(${Object.keys(packages).join("|")})$`);
      onResolve({ filter }, () => ({ path: `./${file}`, external: true }));
    }
  },
};

function bundleApart(file, packages) {
  const lines = Object.entries(packages).map(([name, used]) => `export ${used} from "${name}";`);
  const stdin = { contents: lines.join("\n"), resolveDir: ROOT };
  return build({ ...OPTIONS, stdin, outfile: join(ROOT, "dist", file) });
}

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
  build({
    ...OPTIONS,
    entryPoints: ["orchestrator/cli.ts"],
    outfile: join(ROOT, "dist/sparkwright.cjs"),
    plugins: [keepApart],
  }),
  ...Object.entries(APART).map(([file, packages]) => bundleApart(file, packages)),
  build({
    ...OPTIONS,
    entryPoints: ["orchestrator/backends/supervisor.ts"],
    outfile: join(ROOT, "dist/supervisor.cjs"),
  }),
]);
writeFileSync(CLI, START);
chmodSync(CLI, 0o755);
