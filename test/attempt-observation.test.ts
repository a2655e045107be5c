import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Started } from "../orchestrator/backends/attempt-folder.ts";
import { observe } from "../orchestrator/backends/attempt-observation.ts";
import { identify } from "../orchestrator/process.ts";

const root = mkdtempSync(join(tmpdir(), "sparkwright-observe-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;

describe("observe()", () => {
  /** A claim as a supervisor would have left it. */
  function claimed(more: Partial<Started>): string {
    const folder = join(root, String(++count));
    mkdirSync(folder);
    const self = identify(process.pid);
    const claim = { ...self, startedAt: 1, command: [], marker: "nobody", temporary: join(root, "none"), ...more };
    writeFileSync(join(folder, "started.json"), JSON.stringify(claim));
    return folder;
  }

  test("takes a supervisor that lives for running", () => {
    expect(observe(claimed({}))).toMatchObject({ phase: "Submitted" });
  });

  test.for([
    ["another process that was given its pid", { startTime: "1" }],
    ["a process of before the last start of the machine", { bootId: "another" }],
    ["a pid that nobody has", { pid: 2 ** 22 + 1 }],
  ] as const)("does not take %s for the supervisor", ([, more]) => {
    const folder = claimed(more);
    writeFileSync(join(folder, "driver.log"), "");
    const seen = observe(folder);
    expect(seen).toMatchObject({ phase: "Ended" });
    expect(seen?.exitCode ?? seen?.signal).toBeUndefined();
  });

  test("tells when the supervisor was gone before it started anything", () => {
    const seen = observe(claimed({ startTime: "1" }));
    expect(seen).toMatchObject({ phase: "Ended", where: expect.stringContaining("before it started the driver") });
  });

  test("brings the job's progress and last words, and passes over what is not as agreed", () => {
    const folder = claimed({});
    const progress = { stage: "reading lines", stages_done: 1, stages_active: 1, tasks_done: 7, tasks_total: 12 };
    writeFileSync(join(folder, "progress.json"), JSON.stringify({ ...progress, more: 1 }));
    writeFileSync(join(folder, "termination.json"), JSON.stringify({ class: "ConfigError", message: "no column x" }));
    expect(observe(folder)).toMatchObject({
      progress,
      termination: { class: "ConfigError", message: "no column x" },
    });

    writeFileSync(join(folder, "progress.json"), "{ cut off");
    writeFileSync(join(folder, "termination.json"), '{"class": 7}');
    const seen = observe(folder);
    expect(seen).not.toHaveProperty("progress");
    expect(seen).not.toHaveProperty("termination");
  });
});
