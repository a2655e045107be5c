/** A process under measurement that tells what it does, one JSON document per line. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";
import { treeShaking } from "../scripts/tree-shaking.mjs";

export interface Child {
  /** Calls for each line from now on. */
  onLine<T>(take: (told: T) => void): void;
  /** The first line, also of those before, of which this holds. Rejects when the process ends before. */
  until<T>(is: (told: object) => boolean): Promise<T>;
  /** Sockets it has open. */
  sockets(): number;
  stop(): Promise<void>;
}

/** A program of this folder as one file, as users run it: the compiler in Node takes more memory than the program. */
export async function bundled(file: string): Promise<string> {
  const outfile = join(mkdtempSync(join(tmpdir(), "sparkwright-bench-program-")), "program.mjs");
  const banner = { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' };
  const entry = join(import.meta.dirname, file);
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    banner,
    minifySyntax: true,
    plugins: [treeShaking],
  });
  return outfile;
}

/** Starts a program of this folder, or one by its absolute path; options are Node's own. */
export function startChild(file: string, args: string[], options: string[] = []): Child {
  const child = spawn(process.execPath, [...options, resolve(import.meta.dirname, file), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: object[] = [];
  const takers = new Set<(told: object) => void>();
  const ended = once(child, "exit");
  createInterface({ input: child.stdout }).on("line", (line) => {
    const told = JSON.parse(line) as object;
    lines.push(told);
    for (const take of takers) take(told);
  });
  return {
    onLine: (take) => void takers.add(take as (told: object) => void),

    async until<T>(is: (told: object) => boolean) {
      const before = lines.find(is);
      if (before !== undefined) return before as T;
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      takers.add((told) => {
        if (is(told)) resolve(told as T);
      });
      ended.then(() => reject(new Error(`Cannot measure: ${file} has ended`)), reject);
      return promise;
    },

    sockets() {
      const folder = `/proc/${child.pid}/fd`;
      return readdirSync(folder).filter((name) => isSocket(join(folder, name))).length;
    },

    async stop() {
      if (child.exitCode !== null) return;
      child.kill("SIGKILL");
      await ended;
    },
  };
}

function isSocket(file: string): boolean {
  try {
    return readlinkSync(file).startsWith("socket:");
  } catch {
    return false; // closed meanwhile
  }
}
