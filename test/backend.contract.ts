/** What every backend promises (orchestrator/backends/backend.ts), as tests. A subject brings the backend and applications that behave as asked. */
import { describe, expect, test, vi } from "vitest";
import { type Backend, hasLogs, type WithLogs } from "../orchestrator/backends/backend.ts";
import { identify } from "../orchestrator/process.ts";
import type { Observation, SparkApp } from "../orchestrator/spark-app.ts";

/**
 * What an application does after it has printed `started` once, and `pid N` for each process it consists of:
 * end well; print `last words` and end with 3; kill its driver; run until it is removed, with a helper in a session of its own.
 */
export type Behaviour = "succeeds" | "fails" | "dies" | "stays";

export interface Subject {
  /** A backend as a new process would open it. */
  open: () => Backend;
  /** A new application each time. */
  app: (behaviour: Behaviour) => SparkApp;
  /** Longest time one application takes from submit to end, in ms. */
  patience: number;
  /** Why the driver's output does not outlive its removal here. Default: it does. */
  logsGoBecause?: string;
}

export function backendContract(name: string, { open, app, patience, logsGoBecause }: Subject): void {
  const never = new AbortController().signal;
  const options = { timeout: patience * 2 };

  const ended = (application: SparkApp): Promise<Observation> =>
    vi.waitFor(
      async () => {
        const seen = await open().observe(application, never);
        if (seen?.phase !== "Ended") throw new Error(`still ${seen?.phase ?? "absent"}`);
        return seen;
      },
      { timeout: patience, interval: 50 },
    );

  const logOf = async (application: SparkApp): Promise<string[]> =>
    all(logs(open()).logs(application, { follow: false }, never));

  const pidsIn = (lines: string[]) => lines.flatMap((line) => line.match(/^pid (\d+)$/)?.[1] ?? []).map(Number);

  /** Waits until driver and helper have told their pids. */
  const running = (application: SparkApp): Promise<number[]> =>
    vi.waitFor(
      async () => {
        const pids = pidsIn(await logOf(application));
        if (pids.length < 2) throw new Error(`only ${pids.length} processes so far`);
        return pids;
      },
      { timeout: patience, interval: 50 },
    );

  describe(`${name} keeps the contract of a backend:`, () => {
    test("observe() finds nothing before submit()", options, async () => {
      expect(await open().observe(app("succeeds"), never)).toBeUndefined();
    });

    test("remove() of what is absent succeeds and leaves it absent", options, async () => {
      const application = app("succeeds");
      await open().remove(application, never);
      expect(await open().observe(application, never)).toBeUndefined();
    });

    test("submit() twice starts once", options, async () => {
      const application = app("succeeds");
      await Promise.all([open().submit(application, never), open().submit(application, never)]);
      const end = await ended(application);
      await open().submit(application, never);

      // What an operator says of it may still change.
      const { cluster: _hints, ...evidence } = end;
      expect(await ended(application)).toMatchObject(evidence);
      expect((await logOf(application)).filter((line) => line === "started")).toHaveLength(1);
    });

    test("observe() sees it as soon as submit() returns", options, async () => {
      const application = app("stays");
      await open().submit(application, never);
      expect((await open().observe(application, never))?.phase).toMatch(/^(Submitted|Pending|Running)$/);
      await open().remove(application, never);
    });

    test("observe() tells a good end, when it began and when it ended", options, async () => {
      const application = app("succeeds");
      await open().submit(application, never);
      const end = await ended(application);
      expect(end.exitCode).toBe(0);
      expect(end.signal).toBeUndefined();
      expect(end.endedAt).toBeGreaterThanOrEqual(end.startedAt ?? Number.POSITIVE_INFINITY);
      expect(end.logTail).toBeUndefined();
    });

    test("observe() tells the exit code and last words of a bad end", options, async () => {
      const application = app("fails");
      await open().submit(application, never);
      const end = await ended(application);
      expect(end.exitCode).toBe(3);
      expect(end.logTail).toContain("last words");
    });

    test("observe() tells that the driver was killed", options, async () => {
      const application = app("dies");
      await open().submit(application, never);
      const { exitCode, signal } = await ended(application);
      expect(signal ?? exitCode).toSatisfy((how) => how === "SIGKILL" || how === 137);
    });

    test("remove() leaves no process, and the documents stay", options, async () => {
      const application = app("stays");
      await open().submit(application, never);
      const pids = await running(application);

      await open().remove(application, never);
      expect(pids.filter(lives)).toEqual([]);
      if (logsGoBecause === undefined) expect(await logOf(application)).toContain("started");
      expect((await open().observe(application, never))?.phase ?? "Ended").toBe("Ended");
      await open().remove(application, never);
    });

    test("logs() follows the driver to its end", options, async () => {
      const application = app("fails");
      await open().submit(application, never);
      const lines = await all(logs(open()).logs(application, { follow: true }, never));
      expect(lines).toContain("started");
      expect(lines).toContain("last words");
      expect((await open().observe(application, never))?.phase).toBe("Ended");
      expect(await all(logs(open()).logs(application, { follow: false, tail: 2 }, never))).toEqual(lines.slice(-2));
    });

    test("logs() stops following when asked", options, async () => {
      const application = app("stays");
      await open().submit(application, never);
      const stop = new AbortController();
      const followed: string[] = [];
      const following = (async () => {
        for await (const line of logs(open()).logs(application, { follow: true }, stop.signal)) {
          followed.push(line);
          if (line === "started") stop.abort(new Error("enough"));
        }
      })();
      await expect(following).rejects.toThrow(/enough|aborted/);
      expect(followed).toContain("started");
      await open().remove(application, never);
    });

    test("render() touches nothing and always says the same", options, async () => {
      const application = app("succeeds");
      expect(open().render(application)).toEqual(open().render(application));
      expect(await open().observe(application, never)).toBeUndefined();
    });
  });
}

function logs(backend: Backend): WithLogs {
  if (!hasLogs(backend)) throw new Error(`${backend.name} has no logs`);
  return backend;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Whether a process runs; one that ended and only waits for its parent to ask how does not. */
export function lives(pid: number): boolean {
  return identify(pid) !== undefined;
}
