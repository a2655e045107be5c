import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, describe, expect, test, vi } from "vitest";
import { readClaim, type Started } from "../orchestrator/backends/attempt-folder.ts";
import { localBackend, type LocalOptions } from "../orchestrator/backends/local.ts";
import { Target } from "../orchestrator/kinds/target.ts";
import { ConflictError } from "../orchestrator/errors.ts";
import { bearers, identify } from "../orchestrator/process.ts";
import type { Observation, SparkApp } from "../orchestrator/spark-app.ts";
import { backendContract, lives } from "./backend.contract.ts";
import { sampleApp } from "./sample-app.ts";

const never = new AbortController().signal;
// A name that a shell, Spark's lists and its patterns would all take apart.
const root = mkdtempSync(join(tmpdir(), "sparkwright test [a],{b} $c "));
const removals: SparkApp[] = [];
let count = 0;

afterAll(async () => {
  const backend = localBackend({ graceMs: 100 });
  for (const app of removals) await backend.remove(app, never);
  rmSync(root, { recursive: true, force: true });
});

function localApp(): SparkApp {
  const app = unstartedApp();
  removals.push(app);
  return app;
}

function unstartedApp(): SparkApp {
  const prefix = join(root, String(++count));
  return sampleApp({ name: `app-${count}`, prefix, main: "/code/main.py", archive: "/code/modules.zip" });
}

/** A backend whose drivers are stand-ins. */
function standIn(behaviour: string, { probe = "", ...more }: LocalOptions & { probe?: string } = {}) {
  const launch = () => ({
    command: [process.execPath, join(import.meta.dirname, "stand-in-driver.ts"), behaviour],
    env: { PATH: process.env["PATH"] ?? "", PROBE: probe },
  });
  return localBackend({ graceMs: 300, launch, ...more });
}

/** An interpreter whose PySpark has a spark-submit that tells what it was given. */
function fakePython(): string {
  const home = join(root, `pyspark-${++count}`);
  mkdirSync(join(home, "bin"), { recursive: true });
  const script = (path: string, body: string) => writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  script(join(home, "bin", "spark-submit"), `env; for argument in "$@"; do echo "argument $argument"; done`);
  const answer = { python: "/the/python", pythonVersion: "3.11", home, version: "4.1.4" };
  writeFileSync(join(home, "answer.json"), JSON.stringify(answer));
  script(join(home, "bin", "python"), `cat "$(dirname "$0")/../answer.json"`);
  return join(home, "bin", "python");
}

const until = <T>(look: () => T | Promise<T>) => vi.waitFor(look, { timeout: 10_000, interval: 20 });

const ended = (app: SparkApp): Promise<Observation> =>
  until(async () => {
    const seen = await localBackend().observe(app, never);
    if (seen?.phase !== "Ended") throw new Error(`still ${seen?.phase}`);
    return seen;
  });

const driverPids = (app: SparkApp, atLeast: number): Promise<number[]> =>
  until(() => {
    const pids = [...readFileSync(join(app.prefix, "driver.log"), "utf8").matchAll(/^pid (\d+)$/gm)].map((match) =>
      Number(match[1]),
    );
    if (pids.length < atLeast) throw new Error(`only ${pids.length} of ${atLeast} processes so far`);
    return pids;
  });

function started(app: SparkApp): Started {
  const claim = readClaim(app.prefix);
  if (claim === undefined || "withdrawnAt" in claim) throw new Error("not started");
  return claim;
}

const behaviours = new Map<string, string>();
backendContract("local", {
  patience: 10_000,
  app(behaviour) {
    const app = localApp();
    behaviours.set(app.name, behaviour);
    return app;
  },
  open: () =>
    localBackend({
      graceMs: 300,
      launch: (app) => ({
        command: [process.execPath, join(import.meta.dirname, "stand-in-driver.ts"), behaviours.get(app.name) ?? ""],
        env: { PATH: process.env["PATH"] ?? "" },
      }),
    }),
});

describe("local, when the submitter is killed", () => {
  /** A process group of its own, as a terminal's job is; `die` ends all of it, as closing the terminal may. */
  const submitter = (app: SparkApp, behaviour: string): { submitted: Promise<void>; die: () => void } => {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, "submit-once.ts"), JSON.stringify(app), behaviour],
      {
        stdio: ["ignore", "pipe", "inherit"],
        env: { ...process.env, PROBE: app.prefix },
        detached: true,
      },
    );
    const submitted = new Promise<void>((resolve) => {
      child.stdout.on("data", (chunk: Buffer) => chunk.toString().includes("submitted") && resolve());
    });
    return { submitted, die: () => void process.kill(-(child.pid ?? Number.NaN), "SIGKILL") };
  };

  test("the driver goes on and its exit code is recorded", async () => {
    const app = localApp();
    const { submitted, die } = submitter(app, "waits");
    await submitted;
    die();
    // Left are the supervisor and its driver.
    await until(() => expect(bearers("PROBE", app.prefix)).toHaveLength(2));

    expect(await localBackend().observe(app, never)).toMatchObject({ phase: "Running" });
    writeFileSync(join(app.prefix, "go"), "");
    expect(await ended(app)).toMatchObject({ phase: "Ended", exitCode: 3 });
  });

  test("the signal that ended the driver is recorded", async () => {
    const app = localApp();
    const { submitted, die } = submitter(app, "waits");
    await submitted;
    die();

    const [driver = 0] = await driverPids(app, 1);
    process.kill(driver, "SIGSEGV");
    expect(await ended(app)).toMatchObject({ signal: "SIGSEGV" });
  });

  test("three processes that submit at the same time start one driver", async () => {
    const app = localApp();
    const submitters = [submitter(app, "waits"), submitter(app, "waits"), submitter(app, "waits")];
    await Promise.all(submitters.map(({ submitted }) => submitted));
    for (const { die } of submitters) die();

    await until(() => expect(bearers("PROBE", app.prefix)).toHaveLength(2));
    writeFileSync(join(app.prefix, "go"), "");
    expect(await ended(app)).toMatchObject({ exitCode: 3 });
  });

  test.for([0, 30, 60, 90, 120, 150, 180, 210, 240])(
    "after %d ms, another submit() still starts one driver",
    async (age) => {
      const app = localApp();
      const { die } = submitter(app, "waits");
      await delay(age);
      die();
      await standIn("waits", { probe: app.prefix }).submit(app, never);

      await until(() => expect(bearers("PROBE", app.prefix)).toHaveLength(2));
      writeFileSync(join(app.prefix, "go"), "");
      expect(await ended(app)).toMatchObject({ exitCode: 3 });
      expect(readFileSync(join(app.prefix, "driver.log"), "utf8").match(/^started$/gm)).toHaveLength(1);
    },
  );
});

describe("local, when the supervisor is killed", () => {
  test("an orphaned driver counts as running until it ends, and then its end is lost", async () => {
    const app = localApp();
    await standIn("waits").submit(app, never);
    await driverPids(app, 1);
    process.kill(started(app).pid, "SIGKILL");
    await until(() => expect(identify(started(app).pid)).toBeUndefined());

    const orphaned = await localBackend().observe(app, never);
    expect(orphaned).toMatchObject({ phase: "Running" });
    expect(orphaned?.where).toContain("supervisor");
    writeFileSync(join(app.prefix, "go"), "");
    const end = await ended(app);
    expect(end).not.toHaveProperty("exitCode");
    expect(end).not.toHaveProperty("signal");
  });

  test("remove() still ends the driver and cleans up", async () => {
    const app = localApp();
    await standIn("stays").submit(app, never);
    const pids = await driverPids(app, 2);
    process.kill(started(app).pid, "SIGKILL");

    await standIn("stays").remove(app, never);
    expect(pids.filter(lives)).toEqual([]);
    expect(existsSync(join(app.prefix, "scratch"))).toBe(false);
    expect(existsSync(started(app).temporary)).toBe(false);
  });
});

describe("local submit()", () => {
  test("starts nothing that was removed before", async () => {
    const app = localApp();
    mkdirSync(app.prefix);
    await standIn("succeeds").remove(app, never);
    await expect(standIn("succeeds").submit(app, never)).rejects.toThrow(ConflictError);
    expect(existsSync(join(app.prefix, "driver.log"))).toBe(false);
    expect(await localBackend().observe(app, never)).toBeUndefined();
  });

  test("records a command that cannot start as exit 127, with the reason", async () => {
    const app = localApp();
    const launch = () => ({ command: [join(root, "no-such-program")], env: {} });
    await localBackend({ launch }).submit(app, never);
    const end = await ended(app);
    expect(end).toMatchObject({ exitCode: 127 });
    expect(end.logTail).toContain("no-such-program");
  });

  test("gives spark-submit what it needs and an allow-list of the caller's environment", async () => {
    const app = {
      ...localApp(),
      target: Target.parse({ python: fakePython(), storage: { root }, sizes: { small: {} } }),
    };
    const environment = {
      ...process.env,
      LANG: "C",
      JDK_JAVA_OPTIONS: "-Dwho=me",
      AWS_SECRET_ACCESS_KEY: "hunter2",
      PYTHONDONTWRITEBYTECODE: "1",
      PYTHONPATH: "/mine",
    };
    await localBackend({ environment }).submit(app, never);
    expect(await ended(app)).toMatchObject({ exitCode: 0 });

    const log = readFileSync(join(app.prefix, "driver.log"), "utf8");
    expect(log).toContain(`PYTHONPATH=${app.archive}\n`);
    expect(log).toContain("PYSPARK_PYTHON=/the/python\n");
    expect(log).toContain("LANG=C\n");
    expect(log).toContain("JDK_JAVA_OPTIONS=-Dwho=me\n");
    expect(log).toContain(`argument ${app.prefix}/params.json\n`);
    expect(log).not.toContain("hunter2");
    expect(log).not.toContain("PYTHONDONTWRITEBYTECODE");
  });

  test("cleans the driver's temporary folder and scratch space", async () => {
    const app = localApp();
    await standIn("shows-environment").submit(app, never);
    await ended(app);
    await until(() => expect(existsSync(started(app).temporary)).toBe(false));
    expect(readFileSync(join(app.prefix, "driver.log"), "utf8")).toContain(`"TMPDIR":"${started(app).temporary}"`);
    expect(existsSync(join(app.prefix, "scratch"))).toBe(false);
  });

  test("records the end only when no process of the attempt is left", async () => {
    const app = localApp();
    await standIn("leaves-helper").submit(app, never);
    const pids = await driverPids(app, 2);
    expect(await ended(app)).toMatchObject({ exitCode: 0 });
    expect(pids.filter(lives)).toEqual([]);
  });

  test("leaves no half-written document", async () => {
    const app = localApp();
    await Promise.all([1, 2, 3].map(() => standIn("succeeds").submit(app, never)));
    await ended(app);
    await until(() => expect(readdirSync(app.prefix).toSorted()).toEqual(["driver.log", "exit.json", "started.json"]));
  });
});
