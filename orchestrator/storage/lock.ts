/**
 * @module Locks between processes of one machine, kept in a folder: `<n>.json` names its owner, the highest number counts.
 * A lock is taken by creating the next number, which only one process can; it is given back by marking the own number as
 * released. The highest number is never removed, so that whoever was slow finds it and gives way. An owner that lives no more
 * (pid, start time and boot id tell) holds nothing.
 */
import { randomUUID } from "node:crypto";
import { readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ConflictError, UnavailableError } from "../errors.ts";
import { identify, isAlive } from "../process.ts";
import { namesIn, readJson, toText, type Disk } from "./disk.ts";
import type { Owner } from "./store.ts";

export interface Lock {
  /** Raises ConflictError when it was taken over. */
  assertHeld(): Promise<void>;
  release(): Promise<void>;
}

interface Tag {
  /** Absent once it is released. */
  owner?: Owner;
  token: string;
}

const PATIENCE_MS = 30_000;
const PAUSE_MS = 15;

/** Takes the lock kept in `folder`; ConflictError names the live owner. `force` takes it also from one that cannot be looked up. */
export async function takeLock(
  disk: Disk,
  folder: string,
  what: string,
  options: { force?: boolean } = {},
): Promise<Lock> {
  for (;;) {
    const highest = await highestIn(folder);
    const tag = highest === 0 ? undefined : await readJson<Tag>(pathOf(folder, highest));
    if (highest > 0 && tag === undefined) continue; // Removed between the two reads: a higher one is there.
    const owner = tag?.owner;
    if (owner !== undefined && holds(owner, options.force === true)) throw taken(what, owner);
    const mine = { number: highest + 1, token: randomUUID() };
    if (!(await disk.create(pathOf(folder, mine.number), toText({ owner: thisProcess(), token: mine.token }))))
      continue;
    if ((await highestIn(folder)) > mine.number) {
      await disk.remove(pathOf(folder, mine.number));
      continue;
    }
    for (const number of (await numbersIn(folder)).filter((one) => one < mine.number - 1))
      await disk.remove(pathOf(folder, number));
    return held(disk, folder, what, mine);
  }
}

/** Does `work` while nobody else does; waits for its turn. Throws UnavailableError when that does not come. */
export async function exclusively<T>(disk: Disk, folder: string, what: string, work: () => Promise<T>): Promise<T> {
  const lock = await inTurn(disk, folder, what);
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

/** The live owner of a lock, if any; one that cannot be looked up counts as alive. */
export async function ownerOf(folder: string): Promise<Owner | undefined> {
  const highest = await highestIn(folder);
  const owner = highest === 0 ? undefined : (await readJson<Tag>(pathOf(folder, highest)))?.owner;
  return owner !== undefined && holds(owner, false) ? owner : undefined;
}

async function inTurn(disk: Disk, folder: string, what: string): Promise<Lock> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await takeLock(disk, folder, what);
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      if (performance.now() > until) throw new UnavailableError(error.message, { cause: error });
    }
    await delay(PAUSE_MS);
  }
}

function held(disk: Disk, folder: string, what: string, mine: { number: number; token: string }): Lock {
  const isMine = async () =>
    (await highestIn(folder)) === mine.number &&
    (await readJson<Tag>(pathOf(folder, mine.number)))?.token === mine.token;
  let isReleased = false;
  return {
    async assertHeld() {
      if (isReleased || !(await isMine())) {
        const owner = await ownerOf(folder);
        throw owner === undefined
          ? new ConflictError(`Cannot go on with ${what}: this process does not hold its lock any more`)
          : taken(what, owner);
      }
    },
    async release() {
      if (isReleased) return;
      isReleased = true;
      if (await isMine()) await disk.write(pathOf(folder, mine.number), toText({ token: mine.token }));
    },
  };
}

function taken(what: string, owner: Owner): ConflictError {
  const where = owner.host === hostname() ? "" : ` on ${owner.host}`;
  return new ConflictError(`Cannot take ${what}: process ${owner.pid}${where} holds it`);
}

/** Whether the owner has to be respected. */
function holds(owner: Owner, force: boolean): boolean {
  const here = thisProcess();
  if (owner.host !== here.host) return !force;
  if (owner.bootId !== here.bootId) return false;
  if (owner.pidNamespace !== here.pidNamespace) return !force;
  return isAlive(owner);
}

let self: Owner | undefined;

function thisProcess(): Owner {
  if (self !== undefined) return self;
  const identity = identify(process.pid);
  if (identity === undefined)
    throw new UnavailableError("Cannot take a lock: the system does not tell when this process began");
  self = {
    ...identity,
    host: hostname(),
    pidNamespace: process.platform === "linux" ? readlinkSync("/proc/self/ns/pid") : "",
  };
  return self;
}

async function highestIn(folder: string): Promise<number> {
  return Math.max(0, ...(await numbersIn(folder)));
}

async function numbersIn(folder: string): Promise<number[]> {
  return (await namesIn(folder)).flatMap((name) => (/^\d+\.json$/.test(name) ? [Number.parseInt(name, 10)] : []));
}

function pathOf(folder: string, number: number): string {
  return join(folder, `${number}.json`);
}
