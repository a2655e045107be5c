/** Which process is meant, for longer than it lives: a pid alone is given to another process sooner or later. */
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";

export interface ProcessIdentity {
  pid: number;
  /** Changes with every start of the machine; pids and start times mean nothing across boots. */
  bootId: string;
  /** When the process began, in the system's own words: clock ticks since boot on Linux, a date elsewhere. */
  startTime: string;
}

/** Identity of a live process, or undefined when there is none with this pid. A zombie has ended: it runs no code. */
export function identify(pid: number): ProcessIdentity | undefined {
  const startTime = process.platform === "linux" ? startTicks(pid) : startDate(pid);
  return startTime === undefined ? undefined : { pid, bootId: bootId(), startTime };
}

/** Whether this very process lives; another one that was given the same pid does not count. */
export function isAlive(identity: ProcessIdentity): boolean {
  const now = identify(identity.pid);
  return now !== undefined && now.bootId === identity.bootId && now.startTime === identity.startTime;
}

/** Pids of this user's live processes whose environment held `variable=value` at their start, whatever group or session they are in. */
export function bearers(variable: string, value: string): number[] {
  const wanted = `${variable}=${value}`;
  if (process.platform !== "linux") {
    return lines("ps", ["-A", "-E", "-ww", "-o", "pid=,stat=,command="])
      .filter((line) => line.includes(wanted) && !/^\s*\d+\s+Z/.test(line))
      .map((line) => Number.parseInt(line, 10));
  }
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => readOrEmpty(`/proc/${name}/environ`).split("\0").includes(wanted))
    .map(Number)
    .filter((pid) => startTicks(pid) !== undefined);
}

/** Sends a signal and tells whether there was a process to receive it. */
export function signalTo(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    // ESRCH: it ended meanwhile. Anything else (EPERM) is a fault the caller must hear of.
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

let boot: string | undefined;

function bootId(): string {
  boot ??=
    process.platform === "linux"
      ? readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
      : (lines("sysctl", ["-n", "kern.bootsessionuuid"])[0] ?? "unknown").trim();
  return boot;
}

/** Field 22 of /proc/PID/stat. The command in field 2 may hold spaces and brackets, so fields are counted after its last bracket. */
function startTicks(pid: number): string | undefined {
  const stat = readOrEmpty(`/proc/${pid}/stat`);
  const [state, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return state === undefined || state === "" || state === "Z" || state === "X" ? undefined : rest[18];
}

function startDate(pid: number): string | undefined {
  const [line] = lines("ps", ["-o", "stat=,lstart=", "-p", String(pid)]);
  const [, state, date] = line?.trim().match(/^(\S+)\s+(.+)$/) ?? [];
  return state === undefined || state.startsWith("Z") ? undefined : date;
}

/** Lines a system command prints; none when it fails, as `ps` does when nothing matches. */
function lines(command: string, args: string[]): string[] {
  try {
    const env = { PATH: "/usr/bin:/bin:/usr/sbin:/sbin", LC_ALL: "C", TZ: "UTC" };
    const text = execFileSync(command, args, {
      encoding: "utf8",
      env,
      stdio: ["ignore", "pipe", "ignore"],
      maxBuffer: 1 << 26,
    });
    return text.split("\n").filter((line) => line.trim() !== "");
  } catch {
    return [];
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    // The process ended between listing and reading, or belongs to somebody else.
    return "";
  }
}
