/** Run objects on the API server of a test: their definition, and a namespace. */
import { vi } from "vitest";
import { runDefinition } from "../orchestrator/kinds/definition.ts";
import { call } from "../orchestrator/kubernetes/call.ts";
import type { Connection } from "../orchestrator/kubernetes/connection.ts";

const never = new AbortController().signal;

/** Installs the definition, or brings the one that is there up to date, and waits until it is served. */
export async function installRuns(connection: Connection): Promise<void> {
  const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/runs.sparkwright.dev";
  const query = { fieldManager: "sparkwright-test", force: true };
  const contentType = "application/apply-patch+yaml";
  await call(
    connection,
    { method: "PATCH", path, query, contentType, body: runDefinition(), action: "install runs" },
    never,
  );
  await vi.waitFor(
    async () => {
      const listing = { method: "GET", path: "/apis/sparkwright.dev/v1alpha1/runs", action: "list runs" } as const;
      await call(connection, listing, never);
    },
    { timeout: 20_000, interval: 100 },
  );
}

export function makeNamespace(connection: Connection, name: string): Promise<unknown> {
  return call(
    connection,
    { method: "POST", path: "/api/v1/namespaces", body: { metadata: { name } }, action: `create ${name}` },
    never,
  );
}

export function removeNamespace(connection: Connection, name: string): Promise<unknown> {
  return call(connection, { method: "DELETE", path: `/api/v1/namespaces/${name}`, action: `delete ${name}` }, never);
}
