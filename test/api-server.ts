/** A real TLS server that answers as an API server would, or worse, and the kubeconfig to reach it. */
import { mkdtempSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type Connection } from "../orchestrator/kubernetes/connection.ts";
import { readKubeconfig } from "../orchestrator/kubernetes/kubeconfig.ts";
import { selfSigned } from "./certificate.ts";

export type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export interface ApiServer {
  url: string;
  /** Path of a kubeconfig with the contexts `real` and `stranger`; the latter expects another certificate. */
  kubeconfig: string;
  connection: Connection;
  /** Sockets opened so far, and requests as `METHOD path`. */
  sockets: () => number;
  requests: string[];
  close: () => Promise<void>;
}

export async function apiServer(handler: Handler): Promise<ApiServer> {
  const { key, cert } = selfSigned();
  const requests: string[] = [];
  let sockets = 0;
  const server = createServer({ key, cert }, (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    void handler(request, response);
  });
  server.on("secureConnection", () => (sockets += 1));
  // A client that leaves, or does not trust us, is what some tests are about.
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const kubeconfig = join(mkdtempSync(join(tmpdir(), "sparkwright-kubeconfig-")), "config");
  writeFileSync(kubeconfig, kubeconfigOf(url, cert, selfSigned().cert));
  const connection = connect(readKubeconfig({ file: kubeconfig }));
  return {
    url,
    kubeconfig,
    connection,
    sockets: () => sockets,
    requests,
    close: async () => {
      server.closeAllConnections();
      await Promise.all([connection.close(), new Promise((resolve) => server.close(resolve))]);
    },
  };
}

function kubeconfigOf(server: string, cert: string, otherCert: string): string {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name: "real", cluster: { server, "certificate-authority-data": base64(cert) } },
      { name: "stranger", cluster: { server, "certificate-authority-data": base64(otherCert) } },
    ],
    users: [{ name: "me", user: { token: "t0k3n" } }],
    contexts: ["real", "stranger"].map((name) => ({ name, context: { cluster: name, user: "me" } })),
    "current-context": "real",
  });
}

export function json(
  response: ServerResponse,
  code: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(code, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

/** A status document as the API server sends it. */
export function refuse(
  response: ServerResponse,
  code: number,
  reason: string,
  message: string,
  details: object = {},
): void {
  json(response, code, { kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message, details });
}
