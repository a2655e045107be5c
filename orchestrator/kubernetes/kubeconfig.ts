/** Which cluster is meant and as whom, by kubeconfig: KUBECONFIG, else ~/.kube/config, else the service account of the pod we run in. */
import { createHash } from "node:crypto";
import type { RequestOptions } from "node:https";
import type { ConnectionOptions } from "node:tls";
import { KubeConfig } from "@kubernetes/client-node";
import { RejectedError } from "../errors.ts";

export interface KubeconfigOptions {
  /** Name of the context. Default: the current one. */
  context?: string | undefined;
  /** A kubeconfig file. Default: as kubectl finds it. */
  file?: string | undefined;
}

export interface Credentials {
  headers: Record<string, string>;
  tls: Pick<ConnectionOptions, "ca" | "cert" | "key" | "rejectUnauthorized" | "servername">;
  /** Changes when certificates or keys do: connections made with the old ones must not be used any more. */
  fingerprint: string;
}

export interface Kubeconfig {
  /** Of the API server. */
  server: URL;
  /** Of the context; `default` when it names none. */
  namespace: string;
  /** A proxy to reach it by. */
  proxy?: string;
  /** Asked for every request; tokens and certificates expire. Throws RejectedError when they cannot be had. */
  credentials(): Promise<Credentials>;
}

/** Throws RejectedError when there is no kubeconfig, none that can be read, or no such context in it. */
export function readKubeconfig({ context, file }: KubeconfigOptions = {}): Kubeconfig {
  const config = load(file);
  if (context !== undefined) {
    const known = config.getContexts().map(({ name }) => name);
    if (!known.includes(context)) {
      throw new RejectedError(`Cannot use context ${context}: the kubeconfig has ${known.join(", ") || "none"}`, {
        remedy: "Change context of the target, or set KUBECONFIG to the file that has it",
      });
    }
    config.setCurrentContext(context);
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null || !URL.canParse(cluster.server)) {
    throw new RejectedError(`Cannot use context ${config.getCurrentContext() || "(none)"}: it names no cluster`, {
      remedy: "Choose one with kubectl config use-context, or write context in the target",
    });
  }
  const { proxyUrl } = cluster;
  if (proxyUrl?.startsWith("socks") === true) {
    throw new RejectedError(`Cannot reach ${cluster.server} by ${proxyUrl}: SOCKS proxies are not supported`, {
      remedy: "Name an HTTP proxy as proxy-url in the kubeconfig",
    });
  }
  return {
    server: new URL(cluster.server),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? "default",
    ...(proxyUrl ? { proxy: proxyUrl } : {}),
    credentials: () => credentialsOf(config, cluster.server),
  };
}

function load(file: string | undefined): KubeConfig {
  const config = new KubeConfig();
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
  } catch (cause) {
    throw new RejectedError(`Cannot read the kubeconfig${file ? ` ${file}` : ""}: ${wordsOf(cause)}`, {
      remedy: "Set KUBECONFIG to a file that kubectl can use",
      cause,
    });
  }
  // What the library falls back on when it found nothing.
  if (config.getCurrentContext() === "loaded-context" && config.getCurrentCluster()?.name === "cluster") {
    throw new RejectedError("Cannot find a cluster: there is no kubeconfig", {
      remedy: "Set KUBECONFIG, or make ~/.kube/config with your cluster's own tool",
    });
  }
  return config;
}

async function credentialsOf(config: KubeConfig, server: string): Promise<Credentials> {
  const options: RequestOptions = {};
  try {
    await config.applyToHTTPSOptions(options);
  } catch (cause) {
    throw new RejectedError(`Cannot log in to ${server}: ${wordsOf(cause)}`, {
      remedy: "See whether kubectl get pods works, and log in again if not",
      cause,
    });
  }
  const { ca, cert, key, rejectUnauthorized, servername } = options;
  const parts = { ca, cert, key, rejectUnauthorized, servername };
  const tls = Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== undefined)) as Credentials["tls"];
  const basic = options.auth ? { authorization: `Basic ${Buffer.from(options.auth).toString("base64")}` } : {};
  return {
    headers: { ...basic, ...(options.headers as Record<string, string> | undefined) },
    tls,
    fingerprint: createHash("sha256").update(JSON.stringify(tls)).digest("hex"),
  };
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
