/** The Python environment of the jobs: a venv with exactly what spark-jobs/requirements.lock names. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { ask, run } from "./child.mjs";
import { MissingError } from "./missing.mjs";
import { CACHE, REQUIREMENTS, ROOT, digestOf, environmentName } from "./places.mjs";

const OLDEST = [3, 11];
const CANDIDATES = ["python3.11", "python3.12", "python3.13", "python3", "python"];
const FOR_PEOPLE = join(ROOT, ".cache/python");
const NEEDED_GB = 9;
const TELL_EVERY_MS = 30_000;

/** Where the environment is or is to be made: one that is complete in the checkout is kept, whatever SPARKWRIGHT_CACHE says. */
const folder = () => (existsSync(join(local(), ".complete")) ? local() : join(CACHE, environmentName()));
const local = () => join(ROOT, ".cache", environmentName());
/** Written last, so a folder without it is half made. Holds the digest of the requirements. */
const stamp = () => join(folder(), ".complete");

/** Whether the environment is complete and reachable from this checkout. */
export function environmentIsThere() {
  if (!existsSync(stamp()) || readFileSync(stamp(), "utf8") !== digestOf(REQUIREMENTS)) return false;
  return leadsHere(local()) && leadsHere(FOR_PEOPLE);
}

/**
 * Makes the environment, or again when it is half made.
 * @param {(line: string) => void} say
 * @throws {MissingError} no suitable Python, too little disk, or pip failed
 */
export async function makeEnvironment(say) {
  if (!existsSync(stamp())) await install(say);
  reachFromCheckout();
}

async function install(say) {
  const python = findPython();
  mkdirSync(CACHE, { recursive: true });
  checkDisk();
  if (existsSync(folder())) say("found a half-made Python environment; making it again");
  rmSync(folder(), { recursive: true, force: true });
  say("installing the Python packages: Spark, and PyTorch with its CUDA libraries (about 3 GB to download,");
  say(`  6.5 GB on disk in ${shown(folder())}; some minutes, once) ...`);
  const began = Date.now();
  const told = setInterval(
    () => say(`  still at it after ${Math.round((Date.now() - began) / 1000)} s`),
    TELL_EVERY_MS,
  );
  try {
    await step(python, ["-m", "venv", folder()], () => {});
    await step(join(folder(), "bin/python"), pipInstall(), (line) => {
      const download =
        /^\s*Downloading (\S+?)(?:-py\S+|-cp\S+)?(?:\.whl|\.tar\.gz)(?:\.metadata)? \(([\d.]+) MB\)/.exec(line);
      if (download && Number(download[2]) >= 10)
        say(`  ${download[1].split("/").pop()}: ${Math.round(Number(download[2]))} MB`);
    });
  } finally {
    clearInterval(told);
  }
  writeFileSync(stamp(), digestOf(REQUIREMENTS));
  say(`  done in ${Math.round((Date.now() - began) / 1000)} s`);
}

/** pip compiles what it installs, so that torch starts in 20 s and not in 60. */
function pipInstall() {
  return [
    "-m",
    "pip",
    "install",
    "--require-hashes",
    "--disable-pip-version-check",
    "--no-input",
    "--progress-bar",
    "off",
    "-r",
    REQUIREMENTS,
  ];
}

async function step(command, args, onLine) {
  const lines = [];
  const code = await run(command, args, {
    cwd: ROOT,
    onLine: (line) => {
      lines.push(line);
      onLine(line);
    },
  });
  if (code === 0) return;
  process.stderr.write(`${lines.slice(-15).join("\n")}\n`);
  throw new MissingError(
    `Cannot make the Python environment: ${args.slice(0, 3).join(" ")} ended with exit code ${code}`,
    "The lines above say why; mend that (often the network, or the package python3-venv) and start again",
  );
}

/**
 * The first Python that is new enough and can make a venv. 3.11 comes first: it is the line the product is tested on.
 * @throws {MissingError}
 */
export function findPython(
  candidates = process.env.SPARKWRIGHT_PYTHON ? [process.env.SPARKWRIGHT_PYTHON] : CANDIDATES,
) {
  const seen = [];
  for (const candidate of candidates) {
    const answer = ask(candidate, ["-c", "import sys; print(*sys.version_info[:3], sys.executable)"]);
    if (answer === undefined) continue;
    const [major, minor, patch, executable] = answer.split(" ");
    if (Number(major) !== OLDEST[0] || Number(minor) < OLDEST[1])
      seen.push(`${candidate} is ${major}.${minor}.${patch}`);
    else if (ask(candidate, ["-c", "import venv, ensurepip"]) === undefined)
      seen.push(`${candidate} ${major}.${minor} has no pip`);
    else return executable;
  }
  const found = seen.length > 0 ? ` (${seen.join(", ")})` : "";
  throw new MissingError(
    `Cannot make the Python environment: no Python ${OLDEST.join(".")} or newer with venv and pip was found${found}`,
    "Install one (Debian and Ubuntu: apt-get install python3 python3-venv; macOS: brew install python@3.11), or set SPARKWRIGHT_PYTHON to its path",
  );
}

function checkDisk() {
  const { bavail, bsize } = statfsSync(CACHE);
  const free = (bavail * bsize) / 1e9;
  if (free >= NEEDED_GB) return;
  throw new MissingError(
    `Cannot make the Python environment: ${free.toFixed(1)} GB free in ${shown(CACHE)}, ${NEEDED_GB} GB needed`,
    "Make room, or set SPARKWRIGHT_CACHE to a folder on a larger disk",
  );
}

/**
 * Links the environment into the checkout under two names: its own, so that nothing that runs later needs to know of SPARKWRIGHT_CACHE,
 * and `.cache/python`, for people.
 */
function reachFromCheckout() {
  const target = folder();
  for (const link of [local(), FOR_PEOPLE]) {
    if (link === target || leadsHere(link)) continue;
    mkdirSync(dirname(link), { recursive: true });
    if (lstatSync(link, { throwIfNoEntry: false })?.isDirectory()) rmSync(link, { recursive: true }); // half made
    const fresh = `${link}.${process.pid}`;
    rmSync(fresh, { force: true });
    symlinkSync(target, fresh);
    renameSync(fresh, link);
  }
}

/** Whether a path is, or leads to, the environment's folder. */
function leadsHere(path) {
  return existsSync(path) && realpathSync(path) === realpathSync(folder());
}

function shown(path) {
  return path.startsWith(ROOT) ? path.slice(ROOT.length + 1) : path;
}
