/** Where the testbed keeps its things, and the names, addresses and ports it takes on the machine. */
import { mkdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { CACHE, ROOT, environmentName } from "../../scripts/places.mjs";

export { CACHE, ROOT };

export const SOURCES = join(ROOT, "test/testbed");

/** All that one testbed leaves behind: certificates, data, logs, records. It belongs to the checkout, never to a shared cache. */
export const RUN = join(cacheOfCheckout(), "testbed-run");

export const NAMESPACE = "offers";
export const NODE = "testbed";

/** Pods and machine meet on a bridge; its address is the node's, the API server's and the S3 server's. */
export const NETWORK = {
  bridge: "sparkwright0",
  subnet: "10.213.0.0/24",
  host: "10.213.0.1",
  services: "10.214.0.0/24",
  kubernetes: "10.214.0.1",
  dns: "10.214.0.10",
} as const;

export const PORTS = {
  etcd: 12_379,
  etcdPeer: 12_380,
  api: 16_443,
  kubelet: 16_250,
  kubeletHealth: 16_248,
  dnsReady: 16_053,
  operatorHealth: 16_081,
  operatorMetrics: 16_080,
  s3: 17_070,
} as const;

export const IMAGES = { pause: "localhost/sparkwright-pause:1", spark: "localhost/sparkwright-spark:4.1.4" } as const;

/** Mark in the environment of every process of this checkout's testbed, and by inheritance of what they start. */
export const MARK = { variable: "SPARKWRIGHT_TESTBED", value: RUN } as const;

/** Behind all links, as the kernel names mounts. */
function cacheOfCheckout(): string {
  const folder = join(ROOT, ".cache");
  mkdirSync(folder, { recursive: true });
  return realpathSync(folder);
}

/** A path below the testbed's own folder. */
export function inRun(...parts: string[]): string {
  return join(RUN, ...parts);
}

/** Kubeconfig of an account, self-contained: it can be copied elsewhere. */
export function kubeconfig(account: string): string {
  return inRun("kubeconfig", account);
}

/** site-packages of the locked Python environment, behind all links: a mount follows none. */
export function sitePackages(): string {
  return realpathSync(join(ROOT, ".cache", environmentName(), "lib/python3.11/site-packages"));
}
