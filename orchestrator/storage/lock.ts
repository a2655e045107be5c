/**
 * @module Locks between processes: a file in a folder, a ticket, names its owner; of the highest number counts. A lock is taken by
 * creating a ticket of the next number and given back by marking it as released. The highest number is never removed, so that
 * whoever was slow finds it and gives way.
 *
 * In a folder the ticket is `<n>.json`, and only one process can create it. Not every S3 server decides as strictly between two that
 * create one object at the same moment; so in a bucket tickets are `<n>-<token>.json`, which nobody else creates, and who finds
 * another one beside the own after creating it withdraws and tries again. Of two, the one that looks last finds the other.
 *
 * An owner that lives no more holds nothing. On this machine pid, start time and boot id tell. In a bucket, which processes of
 * many machines share, a lock is a lease besides: its holder renews it, and one that was not renewed for LEASE_MS by the
 * server's own clock is free. What a holder writes is compared with what it had read, so one that slept too long writes nothing.
 */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { ConflictError, UnavailableError } from "../errors.ts";
import { toText, type Disk } from "./disk.ts";
import { namesIn, readMarked, replace, type Marked } from "./files.ts";
import { joined } from "./layout.ts";
import { holds, thisProcess } from "./owner.ts";
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
/** In a bucket. Three renewals may fail before the lock is free. */
const LEASE_MS = 30_000;
const RENEWAL_MS = LEASE_MS / 4;

/** Takes the lock kept in `folder`; ConflictError names the live owner. `force` takes it also from one that cannot be looked up. */
export async function takeLock(
  disk: Disk,
  folder: string,
  what: string,
  options: { force?: boolean } = {},
): Promise<Lock> {
  const mine: Ticket = { number: 0, name: "", token: randomUUID() };
  for (;;) {
    const highest = await highestIn(folder);
    const tags = await Promise.all(highest.map((ticket) => readTag(folder, ticket)));
    if (highest.length > 0 && tags.every((tag) => tag === undefined)) continue; // Removed meanwhile: a higher one is there.
    const owner = tags.flatMap((tag) => tag?.owner ?? []).find((one) => holds(one, options.force === true));
    if (owner !== undefined) throw taken(what, owner);
    mine.number = (highest[0]?.number ?? 0) + 1;
    mine.name = disk.swap === undefined ? `${mine.number}.json` : `${mine.number}-${mine.token}.json`;
    if (!(await disk.create(joined(folder, mine.name), textOf(mine)))) continue;
    const all = await ticketsIn(folder);
    if (all.some((other) => other.number >= mine.number && other.name !== mine.name)) {
      await disk.remove(joined(folder, mine.name));
      await delay(PAUSE_MS * 4 * Math.random());
      continue;
    }
    for (const { number, name } of all) if (number < mine.number - 1) await disk.remove(joined(folder, name));
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
  const tags = await Promise.all((await highestIn(folder)).map((ticket) => readTag(folder, ticket)));
  return tags.flatMap((tag) => tag?.owner ?? []).find((owner) => holds(owner, false));
}

async function inTurn(disk: Disk, folder: string, what: string): Promise<Lock> {
  // The lease of a holder that died on another machine has to run out first.
  const patience = disk.swap === undefined ? PATIENCE_MS : PATIENCE_MS + LEASE_MS;
  const until = performance.now() + patience;
  for (;;) {
    try {
      return await takeLock(disk, folder, what);
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      if (performance.now() > until) throw new UnavailableError(error.message, { cause: error });
    }
    await delay(PAUSE_MS * (disk.swap === undefined ? 1 : 2 + 2 * Math.random()));
  }
}

interface Ticket {
  number: number;
  /** Of the file. */
  name: string;
  token: string;
}

function held(disk: Disk, folder: string, what: string, mine: Ticket): Lock {
  const path = joined(folder, mine.name);
  /** The own tag, if it still counts. */
  const standing = async (): Promise<Marked<Tag> | undefined> => {
    if (((await highestIn(folder))[0]?.number ?? 0) > mine.number) return undefined;
    const tag = await readMarked<Tag>(path);
    return tag.value?.token === mine.token ? tag : undefined;
  };
  let isReleased = false;
  let renewedAt = performance.now();
  /** Writes the own tag as it is to be now; two of our own writes may meet, which is no loss as long as the tag stands. */
  const write = async (tag: Marked<Tag>): Promise<void> => {
    const began = performance.now();
    try {
      await replace(disk, path, isReleased ? toText({ token: mine.token }) : textOf(mine), tag.mark);
      renewedAt = began;
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      const now = await standing();
      if (now === undefined) throw error;
      await write(now);
    }
  };
  const renewing =
    disk.swap === undefined
      ? undefined
      : renewAtTimes(async () => {
          const tag = await standing();
          if (tag !== undefined) await write(tag);
        });
  return {
    async assertHeld() {
      const tag = isReleased ? undefined : await standing();
      if (tag === undefined) {
        const owner = await ownerOf(folder);
        throw owner === undefined
          ? new ConflictError(`Cannot go on with ${what}: this process does not hold its lock any more`)
          : taken(what, owner);
      }
      // Whoever asks is about to write: the lease has to last that long.
      if (renewing !== undefined && performance.now() - renewedAt > LEASE_MS / 2) await write(tag);
    },
    async release() {
      if (isReleased) return;
      isReleased = true;
      clearInterval(renewing);
      const tag = await standing();
      if (tag !== undefined) await write(tag);
    },
  };
}

/** Renews in the background; what fails is tried again at the next time, and a lock that is lost stays lost. */
function renewAtTimes(renew: () => Promise<void>): NodeJS.Timeout {
  return setInterval(() => void renew().catch(() => undefined), RENEWAL_MS).unref();
}

function taken(what: string, owner: Owner): ConflictError {
  const where = owner.host === hostname() ? "" : ` on ${owner.host}`;
  return new ConflictError(`Cannot take ${what}: process ${owner.pid}${where} holds it`);
}

/** The tag of a ticket, without its owner when the lease has run out. */
async function readTag(folder: string, { name }: Pick<Ticket, "name">): Promise<Tag | undefined> {
  const { value, ageMs = 0 } = await readMarked<Tag>(joined(folder, name));
  return value !== undefined && ageMs > LEASE_MS ? { token: value.token } : value;
}

function textOf({ token }: Pick<Ticket, "token">): string {
  return toText({ owner: thisProcess(), token });
}

/** The tickets of the highest number: one, or several while processes compete for it. */
async function highestIn(folder: string): Promise<Omit<Ticket, "token">[]> {
  const tickets = await ticketsIn(folder);
  const highest = Math.max(0, ...tickets.map((ticket) => ticket.number));
  return tickets.filter((ticket) => ticket.number === highest);
}

async function ticketsIn(folder: string): Promise<Omit<Ticket, "token">[]> {
  const names = (await namesIn(folder)).filter((name) => /^\d+(-[\da-f-]+)?\.json$/.test(name));
  return names.map((name) => ({ number: Number.parseInt(name, 10), name }));
}
