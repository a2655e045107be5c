/** @module Makes a run: inputs that no step writes are pinned, code is packed, then the record is written. Nothing runs yet. */
import type { Clock } from "../clock.ts";
import type { RunStatus } from "../engine/run-state.ts";
import { ConflictError, RejectedError } from "../errors.ts";
import { digest } from "../json.ts";
import { fillRun } from "../plan/fill-run.ts";
import type { InputPort, Plan } from "../plan/plan.ts";
import { openCode } from "../spec/code-folder.ts";
import { packCode } from "../storage/code.ts";
import { missingFile } from "../storage/datasets.ts";
import { rememberedIn, type Fingerprints } from "../storage/fingerprint.ts";
import type { FolderStore } from "../storage/folder.ts";
import { pin, type PackageFolder } from "../storage/pin.ts";
import type { RunRecord } from "../storage/store.ts";

export interface StartOptions {
  clock: Clock;
  packageFolder: PackageFolder;
  /** Name of the run (`--run-id`). The same name and plan again give the run that is there. */
  name?: string;
  /** Run whose outputs stand for the steps left out. */
  from?: string;
  /** The day of `${run.date}`; default: today in UTC. */
  date?: string;
}

/**
 * Creates the run in the store. Throws RejectedError when an input is not there, ConflictError when the name is taken by a run
 * of another plan.
 */
export async function startRun(store: FolderStore, plan: Plan, options: StartOptions): Promise<RunRecord> {
  const now = options.clock();
  if (options.name !== undefined) {
    const there = await store.readRun(options.name);
    if (there !== undefined) return sameRun(there, plan, options);
  }
  const pinned = await pinInputs(store, plan, options, now);
  const code = await packSteps(store, plan);
  const status: RunStatus = {
    phase: "Running",
    startedAt: now,
    revision: 1,
    pinned,
    code,
    steps: Object.fromEntries(plan.steps.map((step) => [step.name, { phase: "Waiting", attempts: [] }])),
  };
  const date = options.date ?? dayOf(now);
  return store.createRun(
    plan.definition,
    (name, sequence) => ({
      record: {
        name,
        sequence,
        plan: fillRun(plan, name, date),
        createdAt: now,
        date,
        drivenBy: "cli",
        ...(options.from === undefined ? {} : { from: options.from }),
      },
      status,
    }),
    options.name,
  );
}

function sameRun(there: RunRecord, plan: Plan, options: StartOptions): RunRecord {
  const isSame = digest(there.plan) === digest(fillRun(plan, there.name, there.date)) && there.from === options.from;
  if (isSame) return there;
  throw new ConflictError(`Cannot start run ${there.name}: there is a run of this name with another plan`);
}

function dayOf(now: number): string {
  return new Date(now).toISOString().slice(0, 10);
}

/** Versions of everything read but not written by the plan's own steps, by dataset. */
async function pinInputs(
  store: FolderStore,
  plan: Plan,
  options: StartOptions,
  now: number,
): Promise<Record<string, string>> {
  const namespace = plan.target.spec.namespace;
  const ports = plan.steps.flatMap((step) => Object.values(step.inputs)).filter((port) => port.step === undefined);
  const fingerprints = await rememberedIn(store.layout.fingerprints, store.disk);
  const earlier = options.from === undefined ? {} : await outputsOf(store, plan, options.from);
  const pinned: Record<string, string> = {};
  for (const port of ports) {
    if (pinned[port.dataset] !== undefined) continue;
    pinned[port.dataset] =
      port.external === undefined
        ? await published(store, namespace, port, earlier)
        : await pinExternal(store, namespace, port, port.external, {
            fingerprints,
            packageFolder: options.packageFolder,
            now,
          });
  }
  await fingerprints.save();
  return pinned;
}

async function pinExternal(
  store: FolderStore,
  namespace: string,
  port: InputPort,
  external: NonNullable<InputPort["external"]>,
  options: { fingerprints: Fingerprints; packageFolder: PackageFolder; now: number },
): Promise<string> {
  const manifest = await pin(port, external, options);
  await store.putManifest(namespace, manifest);
  return manifest.version;
}

/** The version of a run named by `from`, else the published one. */
async function published(
  store: FolderStore,
  namespace: string,
  { dataset }: InputPort,
  earlier: Record<string, string>,
): Promise<string> {
  const version = earlier[dataset] ?? (await store.readPointer(namespace, dataset))?.version;
  const manifest = version === undefined ? undefined : await store.readManifest(namespace, dataset, version);
  if (version === undefined || manifest === undefined) {
    throw new RejectedError(`Cannot start: dataset ${dataset} has no published version`, {
      remedy: "Run the job that writes it first, or name a run that has it with --from",
    });
  }
  const missing = await missingFile(manifest);
  if (missing !== undefined) {
    throw new RejectedError(`Cannot start: ${missing} of dataset ${dataset}, version ${version}, is gone`, {
      remedy: "Run the job that writes it again",
    });
  }
  return version;
}

async function outputsOf(store: FolderStore, plan: Plan, from: string): Promise<Record<string, string>> {
  const [record, status] = await Promise.all([store.readRun(from), store.readStatus(from)]);
  if (record === undefined || status === undefined)
    throw new RejectedError(`Cannot start from run ${from}: there is none of this name`, {
      remedy: "sparkwright get runs lists them",
    });
  if (record.plan.sample !== null && digest(record.plan.sample) !== digest(plan.sample)) {
    throw new RejectedError(`Cannot start from run ${from}: it saw only a sample`, {
      remedy: "Start from a run on all data, or take the same --sample",
    });
  }
  return Object.assign({}, ...Object.values(status.steps).map((step) => step.outputs ?? {})) as Record<string, string>;
}

/** Digest of the packed code by step. */
async function packSteps(store: FolderStore, plan: Plan): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const step of plan.steps)
    digests[step.name] = (await packCode(store.layout, store.disk, step.main, openCode(step.code))).digest;
  return digests;
}
