/**
 * `npm run testbed -- check|build|up|down|status|env|demo|classes [--tier 1|2] [--share 0.1]`: a real Kubernetes on this machine, without Docker and without a registry.
 * Exit 0 when done, 1 when `check` finds that this machine cannot have tier 2, `status` the tier not running, `down --verify` finds something left or `classes` a failure told wrongly, 2 for a wrong command
 * or something missing; `demo` ends as its run does.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { withLock } from "../../scripts/lock.mjs";
import { MissingError, exitWith } from "../../scripts/missing.mjs";
import type { Outages } from "./classes/classes.ts";
import { OF_TIER, build } from "./build.ts";
import { say } from "./command.ts";
import { demo } from "./demo.ts";
import { down, leftovers } from "./down.ts";
import { makeLayers } from "./image.ts";
import { machine, prepareMachine } from "./machine.ts";
import { RUN, kubeconfig } from "./places.ts";
import { environment, isUp, status } from "./status.ts";
import { up } from "./up.ts";

const USAGE =
  "Usage: npm run testbed -- check|build|up|down|status|env|demo|classes [--tier 1|2] [--verify] [--admin] [--share 0.1] [--update] [--at-once N] [--outages also|only|none] [CASE…]";

async function main(): Promise<number> {
  const { verb, tier, verify, admin, share, ...trial } = words();
  switch (verb) {
    case "check": {
      const { text, suffices } = machine();
      process.stdout.write(text);
      return suffices ? 0 : 1;
    }
    case "up":
      await alone(() => up(tier));
      say(`tier ${tier} is up; reach it with: export KUBECONFIG=${kubeconfig("admin")}`);
      return 0;
    case "build":
      if (tier === 2) prepareMachine();
      await build(OF_TIER[tier]);
      if (tier === 2) await makeLayers();
      return 0;
    case "down":
      await alone(down);
      return verify ? verified() : 0;
    case "status":
      process.stdout.write(status());
      return isUp(tier) ? 0 : 1;
    case "env":
      process.stdout.write(environment(admin));
      return 0;
    case "demo":
      await alone(() => up(2));
      return demo(share);
    case "classes":
      return (await (await import("./classes/classes.ts")).classes(trial)) ? 0 : 1;
    default:
      throw new MissingError(
        `Cannot do "${verb}": the testbed knows check, build, up, down, status, env, demo and classes`,
        USAGE,
      );
  }
}

interface Words {
  verb: string;
  tier: 1 | 2;
  verify: boolean;
  admin: boolean;
  /** Of the households, for `demo`. */
  share: number;
  update: boolean;
  /** Runs of `classes` at a time, where it does not matter. */
  atOnce: number;
  /** Which cases of `classes`. */
  outages: Outages;
  /** Cases of `classes`. */
  only: string[];
}

function words(): Words {
  const options = {
    tier: { type: "string", default: "1" },
    verify: { type: "boolean", default: false },
    admin: { type: "boolean", default: false },
    share: { type: "string", default: "0.1" },
    update: { type: "boolean", default: false },
    "at-once": { type: "string", default: "2" },
    outages: { type: "string", default: "also" },
  } as const;
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    const [verb = "", ...only] = positionals;
    const atOnce = Number(values["at-once"]);
    if (!Number.isInteger(atOnce) || atOnce < 1) throw new Error(`--at-once ${values["at-once"]}`);
    const { outages } = values;
    if (!isOutages(outages)) throw new Error(`--outages ${outages}`);
    const share = Number(values.share);
    if (!(share > 0 && share <= 1)) throw new Error(`--share ${values.share} is not above 0 and at most 1`);
    if ((only.length > 0 && verb !== "classes") || !["1", "2"].includes(values.tier))
      throw new Error(`${only.join(" ")} --tier ${values.tier}`);
    const { verify, admin, update } = values;
    return { verb, tier: values.tier === "2" ? 2 : 1, verify, admin, share, update, atOnce, outages, only };
  } catch (error) {
    throw new MissingError(`Cannot read the command: ${error instanceof Error ? error.message : String(error)}`, USAGE);
  }
}

function isOutages(word: string): word is Outages {
  return ["also", "only", "none"].includes(word);
}

/** Two commands at once on one testbed would each start what the other has not recorded yet. */
function alone(work: () => Promise<void>): Promise<void> {
  return withLock(join(RUN, "lock"), work, (holder: string) => say(`waiting for another command (${holder})`));
}

function verified(): number {
  const left = leftovers();
  for (const what of left) process.stdout.write(`left: ${what}\n`);
  if (left.length === 0)
    process.stdout.write("nothing is left: no process, mount, control group, link, address or rule\n");
  return left.length === 0 ? 0 : 1;
}

await exitWith(main);
