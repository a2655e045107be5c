/** npm packages, as package-lock.json has them. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./child.mjs";
import { MissingError } from "./missing.mjs";
import { ROOT, digestOf, nodeBinary } from "./places.mjs";

const LOCK = join(ROOT, "package-lock.json");
const STAMP = join(ROOT, "node_modules/.sparkwright-lock");
/** npm writes this last: what it holds is installed. */
const INSTALLED = join(ROOT, "node_modules/.package-lock.json");

/** Whether node_modules is what package-lock.json asks for. */
export function packagesAreThere() {
  if (!existsSync(INSTALLED)) return false;
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === digestOf(LOCK)) return true;
  return matches(packagesOf(LOCK), packagesOf(INSTALLED));
}

/**
 * Runs `npm ci` without install scripts.
 * @param {(line: string) => void} say
 * @throws {MissingError} when npm fails, or brings no Node that is new enough
 */
export async function installPackages(say) {
  say("installing npm packages (about 350 MB on disk) ...");
  const kept = [];
  const npm = process.env.npm_execpath;
  const [command, ...before] = npm?.endsWith(".js") ? [process.execPath, npm] : ["npm"];
  const code = await run(command, [...before, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
    cwd: ROOT,
    onLine: (line) => kept.push(line),
  }).catch((error) => {
    kept.push(error.message);
    return 1;
  });
  // The engine warnings speak of the system's Node, on which none of these packages will run.
  const told = dropEngineWarnings(kept).filter((line) => line.trim() !== "");
  if (code !== 0) {
    told.forEach((line) => say(`  ${line}`));
    throw new MissingError(
      `Cannot install the npm packages: npm ci ended with exit code ${code}`,
      "The lines above say why; mend that (often the network or a proxy) and start again",
    );
  }
  told.filter((line) => line.startsWith("npm warn")).forEach((line) => say(`  ${line}`));
  if (nodeBinary() === undefined) {
    throw new MissingError(
      `Cannot run TypeScript: Node ${process.versions.node} is too old and no newer one comes as an npm package for ${process.platform} on ${process.arch}`,
      "Install Node 22.18 or newer and start again",
    );
  }
  writeFileSync(STAMP, digestOf(LOCK));
}

function dropEngineWarnings(lines) {
  return lines.filter((line) => !line.startsWith("npm warn EBADENGINE"));
}

function packagesOf(file) {
  return JSON.parse(readFileSync(file, "utf8")).packages;
}

/** Every required package is installed as locked, and nothing else is. */
function matches(wanted, installed) {
  const same = (name) =>
    installed[name]?.version === wanted[name].version && installed[name].integrity === wanted[name].integrity;
  const required = Object.keys(wanted).filter((name) => name !== "" && !wanted[name].optional);
  return required.every(same) && Object.keys(installed).every((name) => name in wanted && same(name));
}
