/**
 * Gets a checkout ready: npm packages, a Node that is new enough, the locked Python environment, Java, the bundle.
 * `npm run setup` calls it, and so does every other script first; when all is there it takes a fraction of a second and no network.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildBundle, bundleIsFresh } from "./bundle.mjs";
import { checkJava } from "./java.mjs";
import { withLock } from "./lock.mjs";
import { MissingError, exitWith } from "./missing.mjs";
import { installPackages, packagesAreThere } from "./node-packages.mjs";
import { CACHE, ROOT, environmentName } from "./places.mjs";
import { environmentIsThere, findPython, makeEnvironment } from "./python-environment.mjs";

const OLDEST_NODE = 20;

/** Says something about set-up on standard error, where it is in nobody's way. */
export function say(line) {
  process.stderr.write(`setup: ${line}\n`);
}

/**
 * The npm packages, a Node that runs TypeScript among them; enough for scripts that need neither Python nor Java.
 * @throws {MissingError} for what only a person can mend
 */
export async function packages() {
  checkNode();
  await once(join(ROOT, ".cache/packages.lock"), packagesAreThere, installPackages);
}

/**
 * Makes what is missing. Two at once wait for each other.
 * @throws {MissingError} for what only a person can mend
 */
export async function setup() {
  checkJava();
  if (!environmentIsThere()) findPython(); // before anything long begins
  await packages();
  await once(join(CACHE, `${environmentName()}.lock`), environmentIsThere, makeEnvironment);
  await once(join(ROOT, ".cache/bundle.lock"), bundleIsFresh, buildBundle);
}

async function once(lock, isThere, make) {
  if (isThere()) return;
  await withLock(
    lock,
    async () => {
      if (!isThere()) await make(say);
    },
    (holder) => say(`waiting for another set-up to finish (${holder})`),
  );
}

function checkNode() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major >= OLDEST_NODE) return;
  throw new MissingError(
    `Cannot set up: Node ${process.versions.node} is too old, ${OLDEST_NODE} or newer is needed`,
    "Install a newer Node and start again",
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await exitWith(async () => {
    await setup();
    say("ready; try `npm run demo` or `./sparkwright --help`");
  });
}
