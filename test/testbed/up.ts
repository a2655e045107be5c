/** Brings the testbed up, whatever is there already: each step looks first and does only what is missing. */
import { chmodSync, mkdirSync } from "node:fs";
import { ensureAccounts, ensureDefinitions, ensureEnvironmentClaim, ensureJobCredentials } from "./accounts.ts";
import { OF_TIER, build } from "./build.ts";
import { ensureCertificates } from "./certificates.ts";
import { say, timed } from "./command.ts";
import { ensureControlGroup } from "./containment.ts";
import { controlPlane, scheduler } from "./control-plane.ts";
import { importImages, makeLayers, unpackJars } from "./image.ts";
import { prepareMachine } from "./machine.ts";
import { ensureNetwork } from "./network.ts";
import { containerd, dns, kubelet } from "./node.ts";
import { operator } from "./operator.ts";
import { ensure, type Part } from "./part.ts";
import { RUN } from "./places.ts";
import { ensureBucket, s3Server } from "./s3.ts";

/**
 * Tier 1: an API server with its store and controllers. Tier 2: a node, DNS, S3 and the Spark operator as well.
 * @throws {MissingError} what is missing, and what to do about it
 */
export async function up(tier: 1 | 2): Promise<void> {
  if (tier === 2) prepareMachine();
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
