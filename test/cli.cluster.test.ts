/** The program on a cluster, as two people on two machines use it: a run is an object that one of them drives and all can see. */
import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { pythonBinary } from "../scripts/places.mjs";
import { clusterShop, hangs, type ClusterShop } from "./cluster-shop.ts";
import { ensureBuilt, run, start } from "./program.ts";
import { VERSITYGW } from "./s3/server.ts";

const canRun = VERSITYGW !== undefined && existsSync(pythonBinary());
let shop: ClusterShop;
beforeAll(async () => {
  if (!canRun) return;
  await ensureBuilt();
  shop = await clusterShop();
}, 120_000);
afterAll(async () => (canRun ? shop.stop() : undefined));

/** The name of the run that a command on standard error begins with: `Run shop-3: …`. */
const nameIn = (stderr: string) => /Run (\S+):/.exec(stderr)?.[1] ?? "";

describe.skipIf(!canRun)("sparkwright on a cluster", { timeout: 180_000 }, () => {
  test("a run is an object, driven to its end; another machine sees it with nothing but the kubeconfig", async () => {
    const [here, there] = [shop.machine("here"), shop.machine("there")];
    const ran = await run(here, ["run", "shop", "--target", "cluster"]);
    expect(ran.stderr + ran.stdout).toContain("Succeeded in");
    expect(ran.code).toBe(0);
    const name = nameIn(ran.stderr);
    const list = await run(there, ["get", "runs", "-n", shop.namespace]);
    expect(list.stdout).toMatch(new RegExp(`^${name} +cluster +Succeeded +2/2 `, "m"));
    expect((await run(there, ["get", name, "-n", shop.namespace])).stdout).toMatch(/^score +SparkJob +Succeeded/m);
    expect((await run(there, ["wait", name, "-n", shop.namespace])).stdout).toBe(`${name} Succeeded\n`);
    const described = await run(there, ["describe", name, "-n", shop.namespace]);
    expect(described.stdout).toMatch(/clean +attempt 1 accepted by the cluster \(\d/);
    expect(described.stdout).toContain("scores@v-");
    expect((await shop.lease(name))?.spec?.holderIdentity).toBe("");
    expect(shop.drivers().size).toBe(2);
  });
});
