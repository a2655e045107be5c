/** Creating the operator's object, against a server that answers as the API server would. */
import { afterEach, expect, test } from "vitest";
import { kubeflow } from "../orchestrator/backends/kubeflow.ts";
import { submitApplication } from "../orchestrator/backends/kubeflow-submission.ts";
import { ConflictError, QuotaExceededError, UnavailableError } from "../orchestrator/errors.ts";
import { apiServer, type ApiServer, json, refuse } from "./api-server.ts";
import { sampleApp } from "./sample-app.ts";

const never = new AbortController().signal;
const app = sampleApp();
const manifest = kubeflow.render(app) as { metadata: { labels: Record<string, string>; annotations: object } };

let server: ApiServer;
afterEach(() => server.close());

/** A server that has an object of this name already, or none whatever it says to a POST. */
const having = async (metadata: object | undefined) =>
  (server = await apiServer((request, response) => {
    if (request.method === "POST") return refuse(response, 409, "AlreadyExists", "it is there already");
    if (metadata === undefined) return refuse(response, 404, "NotFound", "not found", { kind: "sparkapplications" });
    return json(response, 200, { metadata: { name: app.name, uid: "u", ...metadata } });
  }));
const submit = () => submitApplication(server.connection, app, manifest, never);

test("an application that is there already is adopted when it is ours, whatever webhooks added to it", async () => {
  const labels = { ...manifest.metadata.labels, "kueue.x-k8s.io/queue-name": "q" };
  await having({ labels, annotations: manifest.metadata.annotations });
  await submit();
  expect(server.requests.map((request) => request.split(" ")[0])).toEqual(["POST", "GET"]);
});

test.for<[string, object]>([
  ["of another run", { labels: { ...manifest.metadata.labels, "sparkwright.dev/run": "other" } }],
  ["of other content", { annotations: { "sparkwright.dev/digest": "other" } }],
])("an application of the same name %s is not adopted", async ([, change]) => {
  const { labels, annotations } = manifest.metadata;
  await having({ labels, annotations, ...change });
  await expect(submit()).rejects.toThrow(ConflictError);
});

test("one that is being deleted is not adopted either", async () => {
  const { labels, annotations } = manifest.metadata;
  await having({ labels, annotations, deletionTimestamp: "2026-11-23T00:00:00Z" });
  await expect(submit()).rejects.toThrow(/still being deleted/);
});

test("a conflict with an object that nobody sees may pass", async () => {
  await having(undefined);
  await expect(submit()).rejects.toThrow(UnavailableError);
});

test("a quota that is used up is told as that", async () => {
  const words = "exceeded quota: apps, requested: count/sparkapplications=1, used: 9, limited: 9";
  server = await apiServer((_, response) => refuse(response, 403, "Forbidden", words));
  await expect(submit()).rejects.toThrow(QuotaExceededError);
});
