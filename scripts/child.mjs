/** Child processes of the scripts. */
import { spawn, spawnSync } from "node:child_process";

const SIGNAL_EXIT = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

/**
 * Runs a program to its end with our standard streams and gives its exit code (130 after Ctrl-C).
 * Ctrl-C reaches the child by itself, being in the same process group; we wait for it and end as it does.
 * @param {string} command
 * @param {string[]} args
 * @param {import("node:child_process").SpawnOptions & { onLine?: (line: string) => void }} [options] `onLine` gets each line of both streams instead of the terminal
 * @returns {Promise<number>}
 */
export function run(command, args, { onLine, ...options } = {}) {
  const child = spawn(command, args, { stdio: onLine ? ["ignore", "pipe", "pipe"] : "inherit", ...options });
  if (onLine) for (const stream of [child.stdout, child.stderr]) eachLine(stream, onLine);
  const wait = () => {};
  const pass = () => child.kill("SIGTERM");
  process.on("SIGINT", wait).on("SIGTERM", pass);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(code ?? SIGNAL_EXIT[signal] ?? 1));
  }).finally(() => process.off("SIGINT", wait).off("SIGTERM", pass));
}

/**
 * Output of a program that only answers a question, or undefined when it is not there or fails.
 * @param {string} command
 * @param {string[]} args
 * @param {import("node:child_process").SpawnSyncOptions} [options]
 * @returns {string | undefined} both streams, trimmed
 */
export function ask(command, args, options = {}) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    ...options,
  });
  return status === 0 ? `${stdout}${stderr}`.trim() : undefined;
}

function eachLine(stream, onLine) {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    lines.forEach(onLine);
  });
  stream.on("end", () => rest && onLine(rest));
}
