/** @module What a run of a plan would do now: which steps an earlier execution stands for, and what makes the others run. Writes nothing. */
import type { Machine } from "../backends/machine.ts";
import { isDone } from "../engine/phases.ts";
import { RejectedError } from "../errors.ts";
import { digest } from "../json.ts";
import { importClosure, type CodeFile } from "../plan/code.ts";
import { cacheKeyOf, explainKey, keyDocument, type KeyContext, type KeyDocument } from "../plan/digest.ts";
import { fillRun } from "../plan/fill-run.ts";
import { runName } from "../names.ts";
import { suggestion } from "../nearest.ts";
import type { InputPort, Plan, Step } from "../plan/plan.ts";
import type { Expected } from "../report/forecast.ts";
import { isUsable } from "../runner/prepare.ts";
import { openCode } from "../spec/code-folder.ts";
import { packedCode } from "../storage/code.ts";
import { rememberedIn } from "../storage/fingerprint.ts";
import type { FolderStore } from "../storage/folder.ts";
import { paramsOf, type Params } from "../storage/params.ts";
import { pin } from "../storage/pin.ts";
import type { Manifest, RunRecord } from "../storage/store.ts";
import type { RunStatus } from "../engine/run-state.ts";

export interface ForecastOptions {
  machine: Machine;
  /** Epoch milliseconds; the day of `${run.date}`. */
  now: number;
  /** Run whose outputs stand for the steps left out. */
  from: string | undefined;
}

/** One row per step, in plan order. */
export async function forecast(store: FolderStore, plan: Plan, options: ForecastOptions): Promise<Expected[]> {
  const outlook = await outlookOf(store, plan, options);
  const rows: Expected[] = [];
  for (const step of outlook.plan.steps) rows.push(await expect(outlook, step));
  return rows;
}

/** The params document that a step would get if it started now (docs/job-protocol.md). Raises RejectedError when it reads what is yet to be made. */
export async function paramsNow(
  store: FolderStore,
  plan: Plan,
  name: string,
  options: ForecastOptions,
): Promise<Params> {
  const outlook = await outlookOf(store, plan, options);
  const { steps, sample } = outlook.plan;
  const names = steps.map((step) => step.name);
  const step = steps[names.indexOf(name)];
  if (step === undefined) throw new RejectedError(`Cannot find step "${name}"${suggestion(name, names)}`);
  for (const before of steps.slice(0, names.indexOf(name))) await expect(outlook, before);
  const inputs: Record<string, Manifest> = {};
  for (const role of Object.keys(step.inputs)) {
    const manifest = await manifestNow(outlook, step, role);
    if (manifest !== undefined) inputs[role] = manifest;
  }
  const run = runName(plan.definition, 0);
  return paramsOf(step, {
    run,
    attempt: 1,
    sample,
    inputs,
    previous: {},
    prefix: store.attemptFolder(run, name, 1),
    work: store.layout.work(run, name),
    outputFolder: (role) => store.layout.output(namespaceOf(outlook), run, name, 1, role),
  });
}

async function manifestNow(outlook: Outlook, step: Step, role: string): Promise<Manifest | undefined> {
  const port = step.inputs[role];
  if (port === undefined) return undefined;
  const { dataset } = port;
  if (port.external !== undefined) return pinned(outlook, port, port.external);
  const version = port.step === undefined ? await versionOutside(outlook, step, role) : outlook.versions[dataset];
  const manifest =
    version === undefined ? undefined : await outlook.store.readManifest(namespaceOf(outlook), dataset, version);
  if (manifest !== undefined) return manifest;
  throw new RejectedError(
    `Cannot tell what step ${step.name} would read: ${port.step ?? "nobody"} is yet to make ${dataset}`,
    {
      remedy: "Run that first, or take the step of a run",
    },
  );
}

async function outlookOf(store: FolderStore, plan: Plan, options: ForecastOptions): Promise<Outlook> {
  const filled = fillRun(plan, "next", new Date(options.now).toISOString().slice(0, 10));
  const environment = plan.target.spec.image ?? (await options.machine.environment());
  return { store, plan: filled, environment, options, versions: {}, earlier: await statusesOf(store) };
}

interface Outlook {
  store: FolderStore;
  plan: Plan;
  environment: string;
  options: ForecastOptions;
  /** Versions that are known before anything runs: of cached steps and of what comes from outside. */
  versions: Record<string, string>;
  /** Runs with their status, newest first. */
  earlier: { record: RunRecord; status: RunStatus }[];
}

async function expect(outlook: Outlook, step: Step): Promise<Expected> {
  const row = (action: Expected["action"], because: string[]): Expected => ({
    step: step.name,
    kind: step.kind,
    action,
    because,
  });
  const inputVersions: Record<string, string> = {};
  const anew: string[] = [];
  for (const [role, port] of Object.entries(step.inputs)) {
    try {
      const version =
        port.step === undefined ? await versionOutside(outlook, step, role) : outlook.versions[port.dataset];
      if (version === undefined) anew.push(`${port.step ?? ""} makes ${port.dataset} anew`);
      else inputVersions[role] = version;
    } catch (error) {
      if (!(error instanceof RejectedError)) throw error;
      return row("blocked", [error.message]);
    }
  }
  const code = importClosure(step.main, openCode(step.code));
  if (anew.length > 0) return row("run", anew);
  if (!step.cache) return row("run", ["its cache is off"]);
  const context = contextOf(outlook, code, inputVersions);
  const commit = await outlook.store.readCommit(namespaceOf(outlook), cacheKeyOf(step, context));
  if (commit === undefined) return row("run", await whyNew(outlook, step, context));
  if (!(await isUsable(outlook.store, namespaceOf(outlook), step, commit)))
    return row("run", [`outputs of ${commit.run} are gone`]);
  Object.assign(outlook.versions, commit.outputs);
  return row("cached", [`${commit.run} did the same`]);
}

function namespaceOf({ plan }: Outlook): string {
  return plan.target.spec.namespace;
}

function contextOf(
  { plan, environment }: Outlook,
  code: readonly CodeFile[],
  inputVersions: Record<string, string>,
): KeyContext {
  return { image: environment, code, inputVersions, sparkVersion: plan.target.spec.sparkVersion, sample: plan.sample };
}

/** Version of data that no step of the plan makes. Raises RejectedError when there is none. */
async function versionOutside(outlook: Outlook, step: Step, role: string): Promise<string | undefined> {
  const port = step.inputs[role];
  if (port === undefined) return undefined;
  const { options, versions } = outlook;
  versions[port.dataset] ??=
    port.external === undefined
      ? await versionPublished(outlook, port.dataset, options.from)
      : (await pinned(outlook, port, port.external)).version;
  return versions[port.dataset];
}

async function pinned(
  { store, options: { machine, now } }: Outlook,
  port: InputPort,
  external: NonNullable<InputPort["external"]>,
): Promise<Manifest> {
  const fingerprints = await rememberedIn(store.layout.fingerprints);
  return pin(port, external, { fingerprints, packageFolder: machine.packageFolder, now });
}

async function versionPublished(outlook: Outlook, dataset: string, from: string | undefined): Promise<string> {
  const source = outlook.earlier.find(({ record }) => record.name === from);
  const ofRun = Object.values(source?.status.steps ?? {}).find((step) => step.outputs?.[dataset] !== undefined)
    ?.outputs?.[dataset];
  const version = ofRun ?? (await outlook.store.readPointer(namespaceOf(outlook), dataset))?.version;
  if (version === undefined) throw new RejectedError(`dataset ${dataset} has no published version`);
  return version;
}

async function statusesOf(store: FolderStore): Promise<Outlook["earlier"]> {
  const records = (await store.listRuns()).toReversed();
  const all = await Promise.all(
    records.map(async (record) => ({ record, status: await store.readStatus(record.name) })),
  );
  return all.flatMap(({ record, status }) => (status === undefined ? [] : [{ record, status }]));
}

/** What differs from the most similar earlier execution of this step, the newest of several. */
async function whyNew(outlook: Outlook, step: Step, context: KeyContext): Promise<string[]> {
  const now = keyDocument(step, context);
  let nearest: { run: string; changed: string[] } | undefined;
  for (const { record, status } of outlook.earlier) {
    const before = await keyOf(outlook, record, status, step.name);
    if (before === undefined) continue;
    const changed = explainKey(before, now);
    if (nearest === undefined || changed.length < nearest.changed.length) nearest = { run: record.name, changed };
  }
  if (nearest === undefined) return ["it has not run before"];
  const { run, changed } = nearest;
  return [`${changed.length === 0 ? "the Python environment changed" : changed.join(", ")} since ${run}`];
}

/** What decided the result of a step of an earlier run; undefined when it did not succeed there. The environment is taken as it is now. */
async function keyOf(
  { store, environment, plan }: Outlook,
  record: RunRecord,
  status: RunStatus,
  name: string,
): Promise<KeyDocument | undefined> {
  const then = status.steps[name];
  const was = record.plan.steps.find((one) => one.name === name);
  const code = status.code[name];
  if (then?.inputs === undefined || was === undefined || code === undefined || !isDone(then.phase)) return undefined;
  // A run on a sample says nothing about one on all data.
  if (digest(record.plan.sample) !== digest(plan.sample)) return undefined;
  const files = await packedCode(store.layout, code).then(
    (packed) => packed.files,
    () => undefined,
  );
  if (files === undefined) return undefined;
  const inputVersions = Object.fromEntries(Object.entries(then.inputs).map(([role, { version }]) => [role, version]));
  const { image = environment, sparkVersion } = record.plan.target.spec;
  return keyDocument(was, { image, code: files, inputVersions, sparkVersion, sample: record.plan.sample });
}
