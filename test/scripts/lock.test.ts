import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { withLock } from "../../scripts/lock.mjs";

const MODULE = resolve(import.meta.dirname, "../../scripts/lock.mjs");
let place: string;

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "sparkwright-lock-"));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

test("withLock() lets one at a time work and leaves nothing behind", async () => {
  const file = join(place, "deep/lock");
  let inside = 0;
  const work = async () => {
    inside += 1;
    expect(inside).toBe(1);
    await new Promise((done) => setImmediate(done));
    inside -= 1;
    return "done";
  };
  await expect(Promise.all([1, 2, 3].map(() => withLock(file, work)))).resolves.toEqual(["done", "done", "done"]);
  expect(existsSync(file)).toBe(false);
});

test("withLock() takes over from a holder that was killed", async () => {
  const file = join(place, "lock");
  const script = `import { withLock } from ${JSON.stringify(MODULE)};
    await withLock(${JSON.stringify(file)}, () => { console.log("held"); setInterval(() => {}, 1000); return new Promise(() => {}); });`;
  const holder = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(holder.stdout, "data");
  holder.kill("SIGKILL");
  await once(holder, "exit");
  expect(existsSync(file)).toBe(true);
  await expect(withLock(file, async () => "mine")).resolves.toBe("mine");
});

test("withLock() is not fooled by another process that has the dead holder's number", async () => {
  const file = join(place, "lock");
  writeFileSync(file, JSON.stringify({ host: hostname(), pid: process.pid, started: "1" }));
  await expect(withLock(file, async () => "mine")).resolves.toBe("mine");
});

test("withLock() gives the lock back when the work fails", async () => {
  const file = join(place, "lock");
  await expect(withLock(file, async () => Promise.reject(new Error("no disk")))).rejects.toThrow("no disk");
  expect(existsSync(file)).toBe(false);
});
