/** @module One keep-alive connection pool to one API server. Knows HTTP and nothing of objects. */
import type { Readable } from "node:stream";
import { Agent, type Dispatcher, ProxyAgent } from "undici";
import type { Credentials, Kubeconfig } from "./kubeconfig.ts";

export interface Request {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** From the root of the API, already escaped. */
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  accept?: string;
  contentType?: string;
}

export interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Readable;
}

export interface Timing {
  signal: AbortSignal;
  /** Longest silence while the answer is read, in ms. */
  idleMs: number;
  /** Whether the answer goes on for long: it then takes no connection away from short calls. */
  stream: boolean;
}

export interface Connection {
  /** For messages. */
  readonly server: string;
  /** Rejects with the signal's reason, or with what the network says; never retries. */
  send(request: Request, timing: Timing): Promise<Reply>;
  close(): Promise<void>;
}

const CONNECT_MS = 10_000;
const HEADERS_MS = 30_000;
/** Longer than any loop of ours pauses, shorter than what load balancers allow. */
const KEEP_ALIVE_MS = 30_000;
/** Connections for short calls; more at once wait. */
const CALL_CONNECTIONS = 16;

/** A connection whose making may fail, put off until it is first used. */
export function connectLater(make: () => Connection): Connection {
  let made: Connection | undefined;
  const connection = () => (made ??= make());
  return {
    get server() {
      return connection().server;
    },
    send: async (request, timing) => connection().send(request, timing),
    close: async () => made?.close(),
  };
}

interface Pools {
  fingerprint: string;
  calls: Dispatcher;
  streams: Dispatcher;
}

/** A connection that is made when it is first needed, and made anew when certificates change. */
export function connect(kubeconfig: Kubeconfig): Connection {
  let pools: Pools | undefined;
  const { server } = kubeconfig;
  const prefix = server.pathname.replace(/\/+$/, "");

  const poolsFor = (credentials: Credentials): Pools => {
    if (pools?.fingerprint === credentials.fingerprint) return pools;
    const old = pools;
    pools = open(kubeconfig, credentials);
    // Requests under way end in their own time.
    if (old !== undefined) void shut(old);
    return pools;
  };

  return {
    server: server.origin,

    async send({ method, path, query, body, accept, contentType }, { signal, idleMs, stream }) {
      signal.throwIfAborted();
      const credentials = await kubeconfig.credentials();
      const { calls, streams } = poolsFor(credentials);
      const reply = await (stream ? streams : calls).request({
        origin: server.origin,
        path: `${prefix}${path}${queryOf(query)}`,
        method,
        headers: {
          accept: accept ?? "application/json",
          "user-agent": "sparkwright",
          ...(body === undefined ? {} : { "content-type": contentType ?? "application/json" }),
          ...credentials.headers,
        },
        body: body === undefined ? null : JSON.stringify(body),
        signal,
        headersTimeout: Math.min(HEADERS_MS, idleMs),
        bodyTimeout: idleMs,
      });
      return { status: reply.statusCode, headers: reply.headers, body: reply.body };
    },

    async close() {
      if (pools !== undefined) await shut(pools);
      pools = undefined;
    },
  };
}

function open({ proxy }: Kubeconfig, { tls, fingerprint }: Credentials): Pools {
  const connectOptions = { ...tls, timeout: CONNECT_MS, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };
  const pool = (more: { connections?: number }): Dispatcher => {
    const options = { allowH2: false, keepAliveTimeout: KEEP_ALIVE_MS, ...more };
    return proxy === undefined
      ? new Agent({ ...options, connect: connectOptions })
      : new ProxyAgent({ ...options, uri: proxy, requestTls: connectOptions });
  };
  return { fingerprint, calls: pool({ connections: CALL_CONNECTIONS }), streams: pool({}) };
}

async function shut({ calls, streams }: Pools): Promise<void> {
  await Promise.allSettled([calls.close(), streams.close()]);
}

function queryOf(query: Request["query"]): string {
  const words = Object.entries(query ?? {}).flatMap(([key, value]) =>
    value === undefined ? [] : [`${encodeURIComponent(key)}=${encodeURIComponent(String(value))}`],
  );
  return words.length === 0 ? "" : `?${words.join("&")}`;
}
