/** The program on a cluster, as two people on two machines use it: a run is an object that one of them drives and all can see. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { clusterShop, hangs, type ClusterShop } from "./cluster-shop.ts";
import { ensureBuilt, run, start, type Started } from "./program.ts";

let shop: ClusterShop;
beforeAll(async () => {
  await ensureBuilt();
  shop = await clusterShop();
}, 120_000);
afterAll(() => shop.stop(), 120_000);

/** The name of the run that a command on standard error begins with: `Run shop-3: …`. */
const nameIn = (stderr: string) => /Run (\S+):/.exec(stderr)?.[1] ?? "";

describe("sparkwright on a cluster", { timeout: 180_000 }, () => {
  test("a run is an object, driven to its end; another machine sees it with nothing but the kubeconfig", async () => {
    const [here, there] = [shop.machine("here"), shop.machine("there")];
    const ran = await run(here, ["run", "shop", "--target", "cluster"]);
    expect(ran.stderr + ran.stdout).toContain("Succeeded in");
    expect(ran.code).toBe(0);
    const name = nameIn(ran.stderr);
    const list = await run(there, ["get", "runs", "-n", shop.namespace]);
    expect(list.stdout).toMatch(new RegExp(`^${name} +cluster +Succeeded +2/2 `, "m"));
    expect(await shop.owned(name)).toEqual([true, true]);
    expect((await run(there, ["get", name, "-n", shop.namespace])).stdout).toMatch(/^score +SparkJob +Succeeded/m);
    expect((await run(there, ["wait", name, "-n", shop.namespace])).stdout).toBe(`${name} Succeeded\n`);
    const described = await run(there, ["describe", name, "-n", shop.namespace]);
    expect(described.stdout).toMatch(/clean +attempt 1 accepted by the cluster \(\d/);
    expect(described.stdout).toContain("scores@v-");
    expect((await shop.lease(name))?.spec?.holderIdentity).toBe("");
    expect(shop.drivers().size).toBe(2);
  });

  test("Ctrl-C detaches: jobs go on, nobody drives; a cancel from another machine is carried out there", async () => {
    hangs(shop, "clean");
    const [here, there] = [shop.machine("here"), shop.machine("there")];
    const going = start(here, ["run", "shop", "--target", "cluster"]);
    const name = await begun(going);
    going.child.kill("SIGINT");
    const { code, stderr } = await going.ended;
    expect(code).toBe(130);
    expect(stderr).toContain(`cancel   sparkwright cancel ${name} -n ${shop.namespace}\n`);
    expect(await phase(name)).toBe("Interrupted");
    expect(await shop.names("sparkapplications", name)).toHaveLength(1);
    const waited = await run(there, ["wait", name, "-n", shop.namespace, "--timeout", "2s"]);
    expect(waited.code).toBe(124);
    const cancelled = await run(there, ["cancel", name, "-n", shop.namespace]);
    expect(cancelled.stdout).toBe(`${name} Cancelled\n`);
    expect([await shop.names("sparkapplications", name), await shop.names("pods", name)]).toEqual([[], []]);
    expect((await run(there, ["delete", name, "-n", shop.namespace])).stdout).toBe(`${name} deleted\n`);
    expect(await shop.lease(name)).toBeUndefined();
  });

  test("a cancel from another machine is carried out by the driver; its log is read from there too", async () => {
    hangs(shop, "clean");
    const [here, there] = [shop.machine("here"), shop.machine("there")];
    const going = start(here, ["run", "shop", "--target", "cluster"]);
    await begun(going);
    const where = ["-n", shop.namespace];
    expect((await run(there, ["logs", "@latest", ...where])).stdout).toBe("here I am\n");
    const none = await run(there, ["logs", "@latest", "clean", "--role", "executor", "--index", "7", ...where]);
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining("executor 7 of clean: it has no executors")]);
    const second = await run(there, ["resume", "@latest", ...where]);
    expect([second.code, second.stderr]).toEqual([2, expect.stringContaining(`/${going.child.pid ?? ""}/`)]);
    expect((await run(there, ["cancel", "@latest", ...where])).stdout).toMatch(/^shop-\d+ Cancelled\n$/);
    const { code, stdout } = await going.ended;
    expect(code).toBe(1);
    expect(stdout).toMatch(/^clean +SparkJob +Cancelled/m);
  });

  test("killed, a run is taken up at once on its machine, and after its Lease has run out on any other", async () => {
    hangs(shop, "clean");
    const [here, there] = [shop.machine("here"), shop.machine("there")];
    const going = start(here, ["run", "shop", "--target", "cluster"]);
    const name = await begun(going);
    going.child.kill("SIGKILL");
    await going.ended;
    const again = start(there, ["resume", name, "-n", shop.namespace]);
    await again.says("clean: Running");
    expect(await phase(name)).toBe("Running");
    again.child.kill("SIGKILL");
    await again.ended;
    await shop.moveHolder(name);
    const early = await run(there, ["resume", name, "-n", shop.namespace]);
    expect([early.code, early.stderr]).toEqual([2, expect.stringContaining("holds it")]);
    await vi.waitFor(async () => expect(await phase(name)).toBe("Interrupted"), { timeout: 60_000, interval: 500 });
    // Its job would go on for ever; the next machine finds it where it was.
    const last = start(there, ["resume", name, "-n", shop.namespace]);
    await last.says("clean: Running");
    expect(shop.drivers().get((await shop.names("sparkapplications", name))[0] ?? "")).toBe(1);
    await run(here, ["cancel", name, "-n", shop.namespace]);
    expect((await last.ended).stdout).toContain(`${name} Cancelled`);
  });

  test("who slept past the end of its Lease finds that another one drives, and writes nothing", async () => {
    hangs(shop, "clean");
    const [here, there] = [shop.machine("here"), shop.machine("there")];
    const going = start(here, ["run", "shop", "--target", "cluster"]);
    const name = await begun(going);
    going.child.kill("SIGSTOP");
    await shop.moveHolder(name);
    await vi.waitFor(async () => expect(await phase(name)).toBe("Interrupted"), { timeout: 60_000, interval: 500 });
    const other = start(there, ["resume", name, "-n", shop.namespace]);
    await other.says("clean: Running");
    const holder = (await shop.lease(name))?.spec?.holderIdentity;
    shop.behaviours.clear();
    going.child.kill("SIGCONT");
    await run(there, ["cancel", name, "-n", shop.namespace]);
    const first = await going.ended;
    expect([first.code, first.stderr]).toEqual([2, expect.stringContaining("has taken over")]);
    expect((await other.ended).stdout).toContain(`${name} Cancelled`);
    const driver = await run(there, ["get", name, "-n", shop.namespace, "-o", "jsonpath={.status.phase}"]);
    expect(driver.stdout).toBe("Cancelled");
    expect(holder).toContain(`/${other.child.pid ?? ""}/`);
  });

  test("get -A shows the runs of every namespace, -l those with a label, and neither shows one run", async () => {
    const here = shop.machine("here");
    const name = (await run(here, ["run", "clean", "--target", "cluster", "-o", "name"])).stdout.trim().slice(4);
    const runs = async (...words: string[]) => (await run(here, ["get", "runs", "-o", "name", ...words])).stdout;
    const everywhere = await run(here, ["get", "runs", "-A"]);
    expect(everywhere.stdout).toMatch(new RegExp(`^${shop.namespace} +${name} +cluster +Succeeded`, "m"));
    const [mine, none] = ["sparkwright.dev/definition=clean", "sparkwright.dev/definition=other"];
    expect(await runs("-n", shop.namespace, "-l", mine)).toBe(`run/${name}\n`);
    expect((await runs("-A", "-l", mine)).split("\n")).toContain(`run/${name}`);
    expect(await runs("-n", shop.namespace, "-l", none)).toBe("");
    const wrong = await run(here, ["get", "runs", "-n", shop.namespace, "-l", "a b"]);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("Write labels as KEY=VALUE")]);
    const one = await run(here, ["get", name, "-A"]);
    expect([one.code, one.stderr]).toEqual([2, expect.stringContaining("Name its namespace with -n")]);
  });

  test("get -w says what changes, and ends with its reader", async () => {
    const here = shop.machine("here");
    const watching = start(here, ["get", "runs", "-w", "-n", shop.namespace]);
    await vi.waitFor(() => expect(watching.heard().stdout).toMatch(/^NAME/), { timeout: 20_000 });
    const name = (
      await run(here, ["run", "shop", "--target", "cluster", "--run-id", "watched", "--no-wait"])
    ).stdout.trim();
    expect((await run(here, ["wait", name, "-n", shop.namespace])).stdout).toBe("watched Succeeded\n");
    await vi.waitFor(() => expect(watching.heard().stdout).toMatch(/^watched +cluster +Succeeded +2\/2/m), {
      timeout: 20_000,
    });
    watching.child.kill("SIGTERM");
    const { stdout } = await watching.ended;
    expect(stdout.split("\n").filter((line) => line.startsWith("NAME"))).toHaveLength(1);
    expect(stdout).toMatch(/^watched +cluster +Running +0\/2/m);
    const again = await run(here, ["run", "shop", "--target", "cluster", "--run-id", "watched", "-o", "name"]);
    expect([again.code, again.stdout]).toEqual([0, "run/watched\n"]);
  });

  async function phase(name: string): Promise<string> {
    const words = ["get", name, "-n", shop.namespace, "-o", "jsonpath={.status.phase}"];
    return (await run(shop.machine("looker"), words)).stdout;
  }

  /** The name of a run whose first driver is there. */
  async function begun(going: Started): Promise<string> {
    await going.says("clean: Running");
    const name = nameIn(going.heard().stderr);
    await vi.waitFor(async () => expect(await shop.names("pods", name)).toHaveLength(1), { timeout: 60_000 });
    return name;
  }
});
