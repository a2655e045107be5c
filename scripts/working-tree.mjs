/** Copies of the working tree, for what must not touch the tree itself. */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { MissingError } from "./missing.mjs";
import { ROOT } from "./places.mjs";

/**
 * Copies what Git tracks or would track, as it lies in the working tree.
 * @param {string} folder is made when absent
 * @throws {MissingError} when this is no Git checkout
 */
export function copyTree(folder) {
  const { status, stdout } = spawnSync("git", ["ls-files", "-coz", "--exclude-standard"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  if (status !== 0)
    throw new MissingError(
      "Cannot copy the working tree: git ls-files failed",
      "Run it in a Git checkout, with git installed",
    );
  for (const file of stdout.split("\0").filter((each) => each && existsSync(join(ROOT, each)))) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(ROOT, file), join(folder, file), { verbatimSymlinks: true });
  }
}
