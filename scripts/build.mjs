/** Bundles the command line and the supervisor of local drivers into dist/: one CommonJS file each, quick to load. */
import { spawnSync } from "node:child_process";
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { treeShaking } from "./tree-shaking.mjs";

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
  // What is loaded late is loaded by require: code that is not loaded as a module cannot import without a warning of Node's.
  supported: { "dynamic-import": false },
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
  return build({ ...OPTIONS, stdin, outfile: join(ROOT, "dist", file), plugins: [treeShaking] });
}

const CLI = join(ROOT, "dist/cli.cjs");

/**
 * What is started: it only loads the program, together with the code that V8 made of it when it was built, functions included that Node's
 * own compile cache leaves out. Worth a quarter of a short call; another version of Node does not take the code and compiles anew.
 */
const START = `#!/usr/bin/env node
"use strict";
const { existsSync, readFileSync } = require("node:fs");
const { Script } = require("node:vm");
require("node:module").enableCompileCache?.();
const [file, code] = [__dirname + "/sparkwright.cjs", __dirname + "/sparkwright.code"];
const script = new Script("(function (exports, require, module, __filename, __dirname) {" + readFileSync(file, "utf8") + "\\n})", {
  filename: file,
  cachedData: existsSync(code) ? readFileSync(code) : undefined,
});
module.exports = script;
script.runInThisContext()({}, require, module, file, __dirname);
`;

/** Keeps what V8 compiled in a call that uses much of the program. */
const KEEP = `
process.argv[1] = ${JSON.stringify(CLI)};
const script = require(process.argv[1]);
process.on("exit", () => require("node:fs").writeFileSync(process.env.CODE, script.createCachedData()));
`;

const CODE = join(ROOT, "dist/sparkwright.code");

rmSync(CODE, { force: true });
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

const call = ["-e", KEEP, "-", "render", "--target", "cluster", "-f", join(ROOT, "job-specs")];
const { status, stderr } = spawnSync(process.execPath, call, {
  env: { ...process.env, CODE },
  stdio: ["ignore", "ignore", "pipe"],
});
// The program works without; but then something is wrong with what was built.
if (status !== 0) throw new Error(`Cannot run what was built: ${stderr}`);
