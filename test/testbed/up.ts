/** Brings the testbed up, whatever is there already: each step looks first and does only what is missing. */
import { chmodSync, existsSync, mkdirSync } from "node:fs";
import { MissingError } from "../../scripts/missing.mjs";
import { ensureAccounts, ensureDefinitions, ensureEnvironmentClaim, ensureJobCredentials } from "./accounts.ts";
import { OF_TIER, build } from "./build.ts";
import { ensureCertificates } from "./certificates.ts";
import { say, succeeds, timed } from "./command.ts";
import { ensureControlGroup } from "./containment.ts";
import { controlPlane, scheduler } from "./control-plane.ts";
import { importImages, makeLayers, unpackJars } from "./image.ts";
import { ensureNetwork } from "./network.ts";
import { containerd, dns, kubelet } from "./node.ts";
import { operator } from "./operator.ts";
import { ensure, type Part } from "./part.ts";
import { RUN } from "./places.ts";
import { ensureBucket, s3Server } from "./s3.ts";

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

/**
 * Tier 1: an API server with its store and controllers. Tier 2: a node, DNS, S3 and the Spark operator as well.
 * @throws {MissingError} what is missing, and what to do about it
 */
export async function up(tier: 1 | 2): Promise<void> {
  if (tier === 2) checkMachine();
  await build(OF_TIER[tier]);
  mkdirSync(RUN, { recursive: true });
  chmodSync(RUN, 0o700); // keys and tokens are in it
  await timed("certificates", ensureCertificates);
  for (const part of controlPlane()) await started(part);
  await timed("accounts and rights", ensureAccounts);
  await timed("definitions of the operator's resources", ensureDefinitions);
  if (tier === 2) await upNode();
}

async function upNode(): Promise<void> {
  const images = await timed("image layers", makeLayers);
  await timed("network", ensureNetwork);
  ensureControlGroup();
  await started(scheduler());
  await started(containerd());
  await timed("images", () => importImages(images));
  await started(dns());
  await started(kubelet());
  await timed("volume of the Python environment", ensureEnvironmentClaim);
  await started(s3Server());
  await timed("bucket", ensureBucket);
  ensureJobCredentials();
  await timed("jars of the operator's spark-submit", () => unpackJars(images));
  await started(operator());
}

async function started(part: Part): Promise<void> {
  const began = Date.now();
  const isNew = await ensure(part);
  say(isNew ? `started ${part.name} (ready after ${((Date.now() - began) / 1000).toFixed(1)} s)` : `${part.name} runs`);
}

function checkMachine(): void {
  if (process.platform !== "linux" || process.getuid?.() !== 0) {
    throw new MissingError(
      "Cannot bring up tier 2: it needs root on Linux, for a bridge, mounts and containers",
      "Start it as root, or use tier 1: npm run testbed -- up --tier 1",
    );
  }
  if (RUN.length > LONGEST_FOLDER) {
    throw new MissingError(
      `Cannot bring up tier 2: ${RUN} is longer than ${LONGEST_FOLDER} characters, too long for the sockets in it`,
      "Move the checkout to a folder nearer to the root",
    );
  }
  const lacking = Object.keys(PACKAGES).filter((name) => !existsSync(PACKAGES[name] ?? ""));
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
