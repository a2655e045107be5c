/** The built program, as tests run it: real files, real processes, and a folder of its own for each test. */
import { spawn, type ChildProcess } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { buildBundle, bundleIsFresh } from "../scripts/bundle.mjs";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** Builds dist/ when a source has changed since. */
export async function ensureBuilt(): Promise<void> {
  if (!bundleIsFresh()) await buildBundle(() => undefined);
}

/** A folder, removed after the test, with a home, `sparkwright` on the PATH, and `spark/python`, which stands in for an interpreter with PySpark. */
export interface Place {
  folder: string;
  env: Record<string, string>;
}

export function makePlace(name: string, from?: string): Place {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "sparkwright-cli-")));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const folder = join(root, name);
  if (from === undefined) mkdirSync(folder);
  else cpSync(from, folder, { recursive: true });
  mkdirSync(join(root, "bin"));
  mkdirSync(join(root, "home"));
  symlinkSync(join(ROOT, "dist/cli.cjs"), join(root, "bin/sparkwright"));
  symlinkSync(join(ROOT, "test/cli-spark"), join(folder, "spark"));
  const path = [join(root, "bin"), dirname(process.execPath), process.env["PATH"] ?? ""].join(delimiter);
  const env = { PATH: path, HOME: join(root, "home"), TZ: "UTC", LANG: "C.UTF-8" };
  // How the gate starts virtual machines (scripts/spark-archive.mjs); drivers inherit it.
  const java = process.env["JDK_JAVA_OPTIONS"];
  return { folder, env: java === undefined ? env : { ...env, JDK_JAVA_OPTIONS: java } };
}

export function write(place: Place, files: Record<string, string>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(place.folder, path)), { recursive: true });
    writeFileSync(join(place.folder, path), content);
  }
}

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Started {
  child: ChildProcess;
  ended: Promise<Ended>;
  /** What it has said so far. */
  heard(): { stdout: string; stderr: string };
  /** Resolves when standard error holds the words; rejects when the program ends before. */
  says(words: string): Promise<void>;
}

/** Starts `sparkwright WORDS`. */
export function start(place: Place, words: string[], env: Record<string, string> = {}): Started {
  const child = spawn("sparkwright", words, {
    cwd: place.folder,
    env: { ...place.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const heard = { stdout: "", stderr: "" };
  const waiting: { words: string; done: () => void }[] = [];
  child.stdout.on("data", (chunk: Buffer) => (heard.stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => {
    heard.stderr += chunk.toString();
    for (const one of waiting) if (heard.stderr.includes(one.words)) one.done();
  });
  const ended = new Promise<Ended>((done, fail) => {
    child.once("error", fail);
    child.once("close", (code, signal) => done({ code, signal, ...heard }));
  });
  return {
    child,
    ended,
    heard: () => heard,
    says: (text) =>
      new Promise((done, fail) => {
        if (heard.stderr.includes(text)) return done();
        waiting.push({ words: text, done });
        void ended.then(({ stderr }) => fail(new Error(`ended without saying "${text}":\n${stderr}`)));
      }),
  };
}

/** Runs `sparkwright WORDS` to its end. */
export function run(place: Place, words: string[], env: Record<string, string> = {}): Promise<Ended> {
  return start(place, words, env).ended;
}
