/** @module What this machine offers to local runs: an interpreter with its packages, Spark and Java. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { checkJava, findSpark, lockedPython } from "./python.ts";
import { RejectedError } from "../errors.ts";
import { digest } from "../json.ts";
import type { Target } from "../kinds/target.ts";

export interface Machine {
  /** Absolute folder of an installed Python package. Raises RejectedError when it is not installed. */
  packageFolder: (name: string) => Promise<string>;
  /** Names what jobs run in besides their code; equal names, equal packages. */
  environment: () => Promise<string>;
  /** Raises RejectedError when Spark could not start here. */
  check: () => Promise<void>;
}

/** The machine as jobs of a target see it: the target's interpreter, else the locked environment below `root`, the package's folder. */
export function machineOf(target: Target, root: string): Machine {
  const isLocked = target.python === undefined;
  const python = target.python ?? lockedPython(root);
  return {
    async packageFolder(name) {
      const folder = await ask(python, FIND_PACKAGE, name);
      if (folder !== "") return folder;
      throw new RejectedError(`Cannot find the Python package ${name}: ${python} does not have it`, {
        remedy: `Install it: ${python} -m pip install ${name}`,
      });
    },
    async environment() {
      // The locked environment is named after the digest of what is locked.
      return isLocked ? digest(python.slice(root.length)) : digest(await ask(python, LIST_PACKAGES));
    },
    async check() {
      const env = Object.fromEntries(
        Object.entries(process.env).flatMap(([name, value]) =>
          value === undefined || value === "" ? [] : [[name, value]],
        ),
      );
      const { signal } = new AbortController();
      await Promise.all([findSpark(python, target.sparkVersion, env, signal), checkJava(env, signal)]);
    },
  };
}

const FIND_PACKAGE = `
import importlib.util, sys
spec = importlib.util.find_spec(sys.argv[1])
print((spec and spec.submodule_search_locations or [""])[0])
`;

const LIST_PACKAGES = `
import importlib.metadata, sys
print(sys.version, *sorted({f"{d.metadata['Name']}=={d.version}" for d in importlib.metadata.distributions()}))
`;

async function ask(python: string, question: string, ...words: string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(python, ["-c", question, ...words]);
    return stdout.trim();
  } catch (cause) {
    throw new RejectedError(
      `Cannot ask ${python}: ${cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause)}`,
      {
        remedy: "Run npm run setup to make the locked environment, or name an interpreter as python in the target",
        cause,
      },
    );
  }
}
