/** The bundle as it was built: what it loads late must come without a word of Node's own. */
import { beforeAll, expect, test } from "vitest";
import { ensureBuilt, makePlace, run, write } from "./program.ts";

beforeAll(ensureBuilt);

test("the clients of a cluster and of a bucket are loaded in silence", async () => {
  const place = makePlace("silent");
  const cluster = { cluster: { server: "https://127.0.0.1:1" }, name: "away" };
  const context = { context: { cluster: "away", user: "me" }, name: "away" };
  write(place, {
    kubeconfig: JSON.stringify({ clusters: [cluster], contexts: [context], users: [{ name: "me", user: {} }] }),
  });
  const env = {
    KUBECONFIG: `${place.folder}/kubeconfig`,
    AWS_REGION: "nowhere",
    AWS_ENDPOINT_URL: "http://127.0.0.1:1",
  };
  const kubernetes = await run(place, ["get", "runs", "-n", "offers", "--context", "away"], env);
  expect(kubernetes.stderr).toMatch(/^Cannot list/);
  expect(kubernetes.code).toBe(3);
  const s3 = await run(place, ["dataset", "list", "--store", "s3a://bucket/store"], {
    ...env,
    AWS_ACCESS_KEY_ID: "me",
    AWS_SECRET_ACCESS_KEY: "mine",
  });
  expect(s3.stderr).toMatch(/^Cannot/);
  expect(s3.code).toBe(3);
});
