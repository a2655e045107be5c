/** @module Who holds a lock: this process, and whether another one still lives. */
import { readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { UnavailableError } from "../errors.ts";
import { identify, isAlive } from "../process.ts";
import type { Owner } from "./store.ts";

/** Whether the owner has to be respected. One that cannot be looked up (another host or container) is, unless `force`. */
export function holds(owner: Owner, force: boolean): boolean {
  const here = thisProcess();
  if (owner.host !== here.host) return !force;
  if (owner.bootId !== here.bootId) return false;
  if (owner.pidNamespace !== here.pidNamespace) return !force;
  return isAlive(owner);
}

let self: Owner | undefined;

/** Throws UnavailableError on a system that does not tell when this process began. */
export function thisProcess(): Owner {
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
