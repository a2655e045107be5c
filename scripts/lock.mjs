/** One set-up at a time: a lock file that says who holds it, and that a dead holder does not keep. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const POLL_MS = 500;

/**
 * Runs `work` while holding the lock file; waits for another holder on this or another machine, and takes over from a dead one on this machine.
 * @template T
 * @param {string} path
 * @param {() => Promise<T>} work
 * @param {(holder: string) => void} [onWait] called once when somebody else holds it
 * @returns {Promise<T>}
 */
export async function withLock(path, work, onWait = () => {}) {
  mkdirSync(dirname(path), { recursive: true });
  const mine = JSON.stringify({ host: hostname(), pid: process.pid, started: startOf(process.pid) });
  let told = false;
  while (!take(path, mine)) {
    const theirs = read(path);
    if (theirs !== undefined && isDead(theirs)) {
      discard(path, theirs);
    } else {
      if (!told && theirs !== undefined) onWait(theirs);
      told = true;
      await pause(POLL_MS);
    }
  }
  try {
    return await work();
  } finally {
    if (read(path) === mine) rmSync(path, { force: true });
  }
}

function take(path, mine) {
  try {
    writeFileSync(path, mine, { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Moves a dead holder's file away; should it be somebody else's by now, it is put back. */
function discard(path, expected) {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (error.code === "ENOENT") return;
    throw error;
  }
  if (read(aside) !== expected) renameSync(aside, path);
  else rmSync(aside);
}

function isDead(text) {
  let holder;
  try {
    holder = JSON.parse(text);
  } catch {
    return false; // being written just now
  }
  if (holder.host !== hostname()) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return error.code === "ESRCH";
  }
  return holder.started !== startOf(holder.pid);
}

/** When a process started, in ticks since boot; tells a process from a later one of the same number. Null where there is no /proc. */
function startOf(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8");
    return fields.slice(fields.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return null;
  }
}
