/** Follows a namespace and tells its memory when all applications and drivers are known. Arguments: kubeconfig, how many. */
import { setTimeout as delay } from "node:timers/promises";
import { copiesOf } from "../orchestrator/backends/kubeflow-copy.ts";
import { connect } from "../orchestrator/kubernetes/connection.ts";
import { readKubeconfig } from "../orchestrator/kubernetes/kubeconfig.ts";
import { followed, NAMESPACE } from "./track-memory.ts";

/** What a list leaves behind is collected meanwhile, as it would be in a process that goes on. */
const SETTLE_MS = 3000;

const [kubeconfig = "", count = "0"] = process.argv.slice(2);
const connection = connect(readKubeconfig({ file: kubeconfig }));
const copies = copiesOf({ connection: () => connection, extent: "namespace" });
const began = performance.now();
let changes = 0;
copies.follow({ namespace: NAMESPACE, run: followed(0).run }, () => (changes += 1), new AbortController().signal);
for (let at = 0; at < Number(count);) {
  if (copies.look(followed(at))?.driver === undefined) await delay(20);
  else at += 1;
}
const readyMs = performance.now() - began;
await delay(SETTLE_MS);
process.stdout.write(`${JSON.stringify({ rss: process.memoryUsage().rss, readyMs, changes })}\n`);
