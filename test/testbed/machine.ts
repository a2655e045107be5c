/** What tier 2 needs of a machine: each need is tried for real, on something that is taken back at once. */
import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import { MissingError } from "../../scripts/missing.mjs";
import { say, succeeds } from "./command.ts";
import { hierarchies } from "./containment.ts";
import { RUN } from "./places.ts";

interface Need {
  name: string;
  /** What is in the way; undefined when nothing is. */
  obstacle: () => string | undefined;
  remedy: string;
}

/** Debian packages of tier 2, and a program of each by which one sees that it is there. */
const PACKAGES: Record<string, string> = {
  containerd: "/usr/bin/containerd",
  runc: "/usr/sbin/runc",
  "containernetworking-plugins": "/usr/lib/cni/bridge",
  iptables: "/usr/sbin/iptables",
  conntrack: "/usr/sbin/conntrack",
  debootstrap: "/usr/sbin/debootstrap",
};

/** The longest path of a socket that the kernel takes is 107 bytes; the kubelet adds up to 40 to its folder. */
const LONGEST_FOLDER = 67;
/** Image, its unpacked copy and the programs that are compiled. */
const DISK_BYTES = 10e9;
const TRIAL_LINK = "sparkwright-try";
const TIER_1 = "Or use tier 1, which needs neither: npm run testbed -- up --tier 1";

const NEEDS: Need[] = [
  {
    name: "root on Linux",
    obstacle: () => (process.platform === "linux" && process.getuid?.() === 0 ? undefined : "it is not"),
    remedy: `Start it as root, for a bridge, mounts and containers. ${TIER_1}`,
  },
  {
    name: "a short folder",
    obstacle: () =>
      RUN.length <= LONGEST_FOLDER
        ? undefined
        : `${RUN} is longer than ${LONGEST_FOLDER} characters, too long for the sockets in it`,
    remedy: "Move the checkout to a folder nearer to the root",
  },
  {
    name: "10 GB of disk",
    obstacle: () => {
      const { bavail, bsize } = statfsSync(existing(RUN));
      return bavail * bsize >= DISK_BYTES ? undefined : `${((bavail * bsize) / 1e9).toFixed(1)} GB are free`;
    },
    remedy: "Free some, or set SPARKWRIGHT_CACHE to a folder on a larger disk",
  },
  {
    name: "Debian packages",
    obstacle: () => {
      const lacking = packagesLacking();
      if (lacking.length === 0 || succeeds("apt-get", ["--version"])) return undefined;
      return `there is neither apt-get nor ${lacking.join(", ")}`;
    },
    remedy: "Use Debian 12 or a relative of it, or install them by hand",
  },
  {
    name: "control groups",
    obstacle: () =>
      hierarchies().map(refusedGroup).find(Boolean) ?? (hierarchies().length > 0 ? undefined : "there are none"),
    remedy: `Run it where /sys/fs/cgroup may be written (a container: privileged). ${TIER_1}`,
  },
  {
    name: "overlay mounts",
    obstacle: () => (overlayMounts() ? undefined : "mount refuses one below the cache folder"),
    remedy: `Run it where mounting is allowed and the cache folder is not itself an overlay. ${TIER_1}`,
  },
  {
    name: "namespaces",
    obstacle: () =>
      succeeds("unshare", ["--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "true"])
        ? undefined
        : "unshare is refused",
    remedy: `Run it where namespaces may be made (a container: privileged). ${TIER_1}`,
  },
  {
    name: "a network bridge",
    obstacle: () => {
      if (!succeeds("ip", ["link", "add", TRIAL_LINK, "type", "bridge"])) return "ip link add is refused";
      return succeeds("ip", ["link", "delete", TRIAL_LINK]) ? undefined : `${TRIAL_LINK} cannot be deleted again`;
    },
    remedy: `Run it where links may be made (a container: privileged). ${TIER_1}`,
  },
];

/** Needs that are not met. */
function obstacles(): (Omit<Need, "obstacle"> & { obstacle: string })[] {
  return NEEDS.flatMap((need) => {
    const obstacle = tried(need);
    return obstacle === undefined ? [] : [{ ...need, obstacle }];
  });
}

/** A trial that breaks off, such as for want of rights, is an obstacle as well. */
function tried({ obstacle }: Need): string | undefined {
  try {
    return obstacle();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Table of needs, and whether all are met. */
export function machine(): { text: string; suffices: boolean } {
  const found = new Map(obstacles().map(({ name, obstacle }) => [name, obstacle]));
  const text = NEEDS.map(({ name }) => `${name.padEnd(20)} ${found.get(name) ?? "ok"}\n`).join("");
  return { text, suffices: found.size === 0 };
}

/**
 * Installs the Debian packages that are missing.
 * @throws {MissingError} the first need that is not met, or packages that cannot be installed
 */
export function prepareMachine(): void {
  for (const { name, obstacle, remedy } of obstacles())
    throw new MissingError(`Cannot bring up tier 2: it needs ${name}, and ${obstacle}`, remedy);
  const lacking = packagesLacking();
  if (lacking.length === 0) return;
  say(`installing Debian packages: ${lacking.join(" ")}`);
  const environment = { env: { DEBIAN_FRONTEND: "noninteractive" } };
  const install = ["install", "--yes", "--no-install-recommends", ...lacking];
  // Lists may be stale or absent: one more try after fetching them.
  if (succeeds("apt-get", install, environment)) return;
  succeeds("apt-get", ["update"], environment);
  if (succeeds("apt-get", install, environment)) return;
  throw new MissingError(
    `Cannot bring up tier 2: apt-get does not install ${lacking.join(" ")}`,
    `Install them by hand and start again`,
  );
}

function packagesLacking(): string[] {
  return Object.keys(PACKAGES).filter((name) => !existsSync(PACKAGES[name] ?? ""));
}

function refusedGroup(hierarchy: string): string | undefined {
  const folder = join(hierarchy, TRIAL_LINK);
  try {
    mkdirSync(folder);
    rmdirSync(folder);
    return undefined;
  } catch (error) {
    return `${hierarchy}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function overlayMounts(): boolean {
  const folder = mkdtempSync(join(existing(RUN), "overlay-"));
  const [lower, upper, work, merged] = ["lower", "upper", "work", "merged"].map((name) => join(folder, name));
  for (const one of [lower, upper, work, merged]) mkdirSync(one ?? "");
  const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
  const isMounted = succeeds("mount", ["-t", "overlay", "overlay", "-o", options, merged ?? ""]);
  if (isMounted) succeeds("umount", [merged ?? ""]);
  rmSync(folder, { recursive: true, force: true });
  return isMounted;
}

/** The nearest folder above that is there. */
function existing(path: string): string {
  return existsSync(path) ? path : existing(dirname(path));
}
