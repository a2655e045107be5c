/**
 * `npm run parity -- RUN_A RUN_B`: a line for each thing that two runs of one pipeline must agree on, exit 1 when one differs. A run is named as
 * NAME, of the store .sparkwright, as NAME@STORE, such as offers-1@/data/store, or as NAME@cluster:NAMESPACE, of the kubeconfig's cluster.
 */
import { parquetReadObjects } from "hyparquet";
import { digest } from "../orchestrator/json.ts";
import type { Plan, Step } from "../orchestrator/plan/plan.ts";
import { openCluster } from "../orchestrator/storage/cluster.ts";
import { filesAt } from "../orchestrator/storage/files.ts";
import { type FolderStore, openStoreAt } from "../orchestrator/storage/folder.ts";
import type { RunStatus } from "../orchestrator/engine/run-state.ts";
import { MissingError, exitWith } from "../scripts/missing.mjs";
import { agreement, type RunFacts, sameVersions } from "./agreement.ts";

const DEFAULT_STORE = ".sparkwright";
const CLUSTER = "cluster:";
const USAGE =
  "Usage: npm run parity -- RUN_A RUN_B, each NAME, NAME@STORE or NAME@cluster:NAMESPACE, such as offers-1@cluster:offers";

interface Run {
  name: string;
  store: FolderStore;
  plan: Plan;
  status: RunStatus;
}

async function main(words: string[]): Promise<number> {
  const [first, second, ...rest] = words;
  if (first === undefined || second === undefined || rest.length > 0)
    throw new MissingError("Cannot compare: two runs are needed", USAGE);
  const [a, b] = [await factsOf(await find(first)), await factsOf(await find(second))];
  const checks = agreement(a, b);
  for (const { name, passed, says } of checks)
    process.stdout.write(`${passed ? "ok    " : "FAILED"} ${name}: ${says}\n`);
  const { same, different } = sameVersions(a, b);
  const bytes = `${same.length} of ${same.length + different.length} datasets byte for byte the same`;
  process.stdout.write(`       ${bytes}${different.length === 0 ? "" : `, not ${different.join(", ")}`}\n`);
  return checks.every(({ passed }) => passed) ? 0 : 1;
}

/** Raises MissingError for a run that is not there or did not end well. */
async function find(words: string): Promise<Run> {
  const at = words.indexOf("@");
  const [name, place] = at < 0 ? [words, DEFAULT_STORE] : [words.slice(0, at), words.slice(at + 1)];
  const found = place.startsWith(CLUSTER)
    ? await openCluster({ namespace: place.slice(CLUSTER.length) }).find(name)
    : { store: openStoreAt(place), record: await openStoreAt(place).readRun(name) };
  const { store, record } = found ?? {};
  const status = await store?.readStatus(name);
  if (store === undefined || record === undefined || status === undefined)
    throw new MissingError(`Cannot compare run ${name}: ${place} has none of this name`, USAGE);
  if (status.phase !== "Succeeded")
    throw new MissingError(`Cannot compare run ${name}: it is ${status.phase}`, "Compare runs that succeeded");
  return { name, store, plan: record.plan, status };
}

async function factsOf(run: Run): Promise<RunFacts> {
  const { name, plan, status } = run;
  const versions = Object.assign({}, ...plan.steps.map((step) => status.steps[step.name]?.outputs ?? {}));
  return {
    name,
    specs: Object.fromEntries(plan.steps.map((step) => [step.name, digest(specOf(step))])),
    code: status.code,
    versions: versions as Record<string, string>,
    metrics: await metricsOf(run),
    segments: await column(run, "SegmentationJob", "segments", (row) => [row["entity"], row["segment"]]),
    topOffers: await column(run, "InferenceJob", "offers", (row) =>
      Number(row["rank"]) === 1 ? [row["entity"], `${String(row["campaign"])} ${String(row["coupon"])}`] : undefined,
    ),
  };
}

/** A step without what is the target's: where data from outside lies, and sizes and folders. */
function specOf({ name, kind, needs, inputs, outputs, settings, main, ranks, cache }: Step): unknown {
  const ports = Object.entries(inputs).map(([role, port]) => [role, { ...port, external: undefined }] as const);
  return { name, kind, needs, inputs: Object.fromEntries(ports), outputs, settings, main, ranks, cache };
}

async function metricsOf({ store, plan, status }: Run): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const [step, { cacheKey }] of Object.entries(status.steps)) {
    const commit = cacheKey === undefined ? undefined : await store.readCommit(plan.target.spec.namespace, cacheKey);
    for (const [name, value] of Object.entries(commit?.metrics ?? {})) found[`${step}/${name}`] = value;
  }
  return found;
}

type Row = Record<string, unknown>;

/** Pairs that `pick` takes from the rows of an output of the one step of this kind. */
async function column(
  { store, plan, status }: Run,
  kind: Step["kind"],
  role: string,
  pick: (row: Row) => [unknown, unknown] | undefined,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const step of plan.steps.filter((one) => one.kind === kind)) {
    const dataset = step.outputs[role]?.dataset ?? "";
    const version = status.steps[step.name]?.outputs?.[dataset] ?? "";
    const manifest = await store.readManifest(plan.target.spec.namespace, dataset, version);
    for (const { path } of manifest?.files ?? []) {
      for (const row of await rowsOf(path)) {
        const pair = pick(row);
        if (pair !== undefined) found.set(String(pair[0]), String(pair[1]));
      }
    }
  }
  return found;
}

async function rowsOf(path: string): Promise<Row[]> {
  const content = await filesAt(path).read(path);
  if (content === undefined) throw new MissingError(`Cannot read ${path}: it is gone`, "Run the pipeline again");
  return parquetReadObjects({ file: new Uint8Array(content.bytes).buffer });
}

await exitWith(() => main(process.argv.slice(2)));
