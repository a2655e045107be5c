/** What Ctrl-C, kill -9 and a clock that is set back do to a run that somebody follows at a terminal. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { bearers } from "../orchestrator/process.ts";
import { ensureBuilt, makePlace, run, start, type Place } from "./program.ts";

const SPECS = join(import.meta.dirname, "cli/failed-step");

beforeAll(ensureBuilt, 60_000);

/** A project whose first job behaves so at its attempts: `hang` stays until it is stopped. */
async function project(behaviours: string, retry = "{ attempts: 2, backoff: 1s }"): Promise<Place> {
  const place = makePlace("shop", SPECS);
  const file = join(place.folder, "job-specs/jobs.yaml");
  writeFileSync(
    file,
    readFileSync(file, "utf8").replace(
      / {2}settings: .*/,
      `  settings: { attempts: [${behaviours}] }\n  retry: ${retry}`,
    ),
  );
  return place;
}

interface Claim {
  marker: string;
}

/** Live processes of an attempt. */
function processesOf(place: Place, attempt = 1): number[] {
  const claim = JSON.parse(
    readFileSync(join(place.folder, ".sparkwright/runs/shop-1/clean", String(attempt), "started.json"), "utf8"),
  ) as Claim;
  return bearers("SPARKWRIGHT_ATTEMPT", claim.marker);
}

async function phaseOf(place: Place): Promise<string> {
  return (await run(place, ["get", "shop-1", "-o", "jsonpath={.status.phase}"])).stdout;
}

describe("sparkwright run", { timeout: 120_000 }, () => {
  test("Ctrl-C once cancels: the job is stopped, the run is kept and can be retried", async () => {
    const place = await project("hang");
    const going = start(place, ["run"]);
    await going.says("clean: hanging");
    going.child.kill("SIGINT");

    const { code, stdout, stderr } = await going.ended;

    expect(code).toBe(130);
    expect(stderr).toContain("Cancelling shop-1; Ctrl-C again leaves it as it is");
    expect(stderr).toContain("Cancelled shop-1; sparkwright retry shop-1 goes on with it");
    expect(stdout).toMatch(/^clean +SparkJob +Cancelled/m);
    expect(processesOf(place)).toEqual([]);
    expect((await run(place, ["retry", "shop-1"])).code).toBe(0);
  });

  test("Ctrl-C twice leaves at once: the job goes on and the run can be resumed or cancelled", async () => {
    const place = await project("hang");
    const going = start(place, ["run"]);
    await going.says("clean: hanging");
    // Together, so that the first cannot have ended the run before the second.
    going.child.kill("SIGSTOP");
    going.child.kill("SIGINT");
    going.child.kill("SIGCONT");
    await going.says("Cancelling");
    going.child.kill("SIGINT");

    const { code, stderr } = await going.ended;

    expect(code).toBe(130);
    expect(stderr).toContain("To follow it again: sparkwright resume shop-1");
    expect(await phaseOf(place)).toBe("Interrupted");
    const cancelled = await run(place, ["cancel", "shop-1"]);
    expect(cancelled.stdout).toBe("shop-1 Cancelled\n");
    expect(processesOf(place)).toEqual([]);
  });

  test("killed, it says so, refuses to be waited for, and is resumed with the same attempt", async () => {
    const place = await project("hang");
    const going = start(place, ["run"]);
    await going.says("clean: hanging");
    going.child.kill("SIGKILL");
    await going.ended;

    expect(await phaseOf(place)).toBe("Interrupted");
    const waited = await run(place, ["wait", "shop-1"]);
    expect([waited.code, waited.stderr]).toEqual([2, expect.stringContaining("sparkwright resume shop-1")]);
    const again = start(place, ["resume", "shop-1"]);
    await again.says("clean: hanging");
    const second = await run(place, ["resume", "shop-1"]);
    expect([second.code, second.stderr]).toEqual([2, expect.stringContaining(`${again.child.pid ?? ""}`)]);
    expect((await run(place, ["wait", "shop-1", "--timeout", "1s"])).code).toBe(124);
    expect((await run(place, ["cancel", "shop-1"])).code).toBe(0);
    expect((await again.ended).code).toBe(1);
    expect(processesOf(place)).toEqual([]);
  });

  test("a clock that was set back by a day delays nothing", async () => {
    const place = await project("error, succeed", "{ attempts: 2, backoff: 3s }");
    const going = start(place, ["run"]);
    await going.says("clean: Backoff");
    going.child.kill("SIGKILL");
    await going.ended;
    const file = join(place.folder, ".sparkwright/runs/shop-1/status.json");
    // Seen from a clock a day behind, all that is recorded lies a day ahead.
    const ahead = readFileSync(file, "utf8").replaceAll(
      /"(\w+At|since|notBefore)": (\d{13})/g,
      (_all, key: string, time: string) => `"${key}": ${Number(time) + 86_400_000}`,
    );
    writeFileSync(file, ahead);

    const { code, stdout } = await run(place, ["resume", "shop-1"]);

    expect(code).toBe(0);
    expect(stdout).toMatch(/^clean +SparkJob +Succeeded +2\/2 +\d/m);
    expect((await run(place, ["describe", "shop-1"])).stdout).not.toContain("-86");
  });

  test("--no-wait prints the name, and another process goes on", async () => {
    const place = await project("succeed");

    const { stdout, code } = await run(place, ["run", "--no-wait"]);

    expect([stdout, code]).toEqual(["shop-1\n", 0]);
    expect((await run(place, ["wait", "shop-1"])).stdout).toBe("shop-1 Succeeded\n");
  });
});
