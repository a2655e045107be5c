/** The commands as a user types them: each folder of test/cli is a case, its `script` must print its `output.txt`. */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { ensureBuilt, makePlace } from "./program.ts";

const CASES = join(import.meta.dirname, "cli");

beforeAll(ensureBuilt, 60_000);

test.for(readdirSync(CASES))("sparkwright: %s", { timeout: 120_000 }, async (name) => {
  const { folder, env } = makePlace(name, join(CASES, name));
  // As in a terminal: both streams in the order they were written.
  const ran = spawnSync("bash", ["-c", "exec 2>&1; source ./script"], { cwd: folder, env, encoding: "utf8" });
  await expect(`${masked(ran.stdout, dirname(folder))}exit code: ${ran.status}\n`).toMatchFileSnapshot(
    join(CASES, name, "output.txt"),
  );
});

/** What differs from run to run, out of the way. Columns are as wide as what stood there, so a table with a mask loses its blanks. */
function masked(text: string, root: string): string {
  return text
    .split("\n\n")
    .map((block) => maskedBlock(block.replaceAll(root, "[ROOT]"), block))
    .join("\n\n");
}

function maskedBlock(text: string, original: string): string {
  const shown = text
    .replaceAll(/\bv-[0-9a-f]{12}\b/g, "v-[HASH]")
    .replaceAll(/-[0-9a-f]{8}\b/g, "-[HASH]")
    .replaceAll(/\b[0-9a-f]{64}\b/g, "[SHA256]")
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, "[NOW]")
    .replaceAll(/\b\d+(\.\d)?s\b|\b\d+m\d\ds\b/g, "[TIME]")
    .replaceAll(/(?<= {2})\d+%/g, "[SHARE]")
    .replaceAll(/\bprocess \d+\b/g, "process [PID]");
  return shown === original ? shown : shown.replaceAll(/(\S) {2,}/g, "$1  ");
}
