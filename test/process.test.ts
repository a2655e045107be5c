import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { bearers, identify, isAlive } from "../orchestrator/process.ts";

test("a process is itself, and no other one that has its pid", () => {
  const self = identify(process.pid);
  if (self === undefined) throw new Error("this process is not found");

  expect(isAlive(self)).toBe(true);
  expect(isAlive({ ...self, startTime: `${self.startTime}0` }), "began at another time").toBe(false);
  expect(isAlive({ ...self, bootId: "before" }), "before the machine started").toBe(false);
});

test("one that has ended is not alive, and bears nothing", async () => {
  const mark = `${process.pid}-${Date.now()}`;
  const child = spawn(process.execPath, ["-e", "process.stdin.resume()"], {
    env: { ...process.env, SPARKWRIGHT_TEST: mark },
    stdio: ["pipe", "ignore", "ignore"],
  });
  const identity = identify(child.pid ?? 0);
  if (identity === undefined) throw new Error("the child is not found");
  await expect.poll(() => bearers("SPARKWRIGHT_TEST", mark), { timeout: 10_000 }).toEqual([child.pid]);

  child.stdin.end();
  await once(child, "exit");

  expect(isAlive(identity)).toBe(false);
  expect(bearers("SPARKWRIGHT_TEST", mark)).toEqual([]);
});
