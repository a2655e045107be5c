/** @module `explain entity/ID`: finds what an InferenceJob recorded of an entity, of a run or as it is published. */
import { RejectedError } from "../errors.ts";
import { entityView } from "../report/entity.ts";
import type { View } from "../report/format.ts";
import { oneLine } from "../report/text.ts";
import type { FolderStore } from "../storage/folder.ts";
import { rowsWith } from "../storage/rows.ts";
import type { Manifest, RunRecord } from "../storage/store.ts";
import { isOnCluster, type PlaceFlags } from "./flags.ts";
import { openRun, openStore, type Found } from "./runs.ts";
import type { Terminal } from "./terminal.ts";

export interface EntityFlags extends PlaceFlags {
  run?: string;
}

/** What is recorded of the entity. Raises RejectedError when no run recorded it, or nothing is known of it. */
export async function explainEntity(entity: string, flags: EntityFlags, terminal: Terminal): Promise<View> {
  const asked = `entity "${oneLine(entity)}"`;
  if (entity === "")
    throw new RejectedError('Cannot explain "entity/": an id is missing', {
      remedy: "Name one, such as sparkwright explain entity/1234",
    });
  const found = await (flags.run === undefined ? latest(flags, terminal) : openRun(flags, flags.run, terminal));
  const { considered, histories, run } = await recordedBy(found, flags.run !== undefined, asked);
  const rows = await rowsWith(considered, "entity", [entity, null]);
  const [history] = histories === undefined ? [] : await rowsWith(histories, "entity", [entity]);
  if (history === undefined && !rows.some((row) => row["entity"] === entity)) {
    throw new RejectedError(`Cannot find ${asked} in ${nameOf(histories ?? considered)} of ${run}`, {
      remedy: `Its entities are in the column entity: from Python, sparkjobs.read.read("${(histories ?? considered).dataset}")`,
    });
  }
  const versions = [considered, ...(histories === undefined ? [] : [histories])].map(nameOf);
  return entityView(
    { entity, run, versions, considered: rows, ...(history === undefined ? {} : { history }) },
    terminal.paint,
  );
}

/** The latest run that was to make offers; on a cluster the latest. */
async function latest(flags: EntityFlags, terminal: Terminal): Promise<Found> {
  if (isOnCluster(flags)) return openRun(flags, "@latest", terminal);
  const store = openStore(flags, terminal);
  const record = (await store.listRuns()).findLast((one) => offering(one) !== undefined);
  return record === undefined ? openRun(flags, "@latest", terminal) : { store, record };
}

function offering({ plan }: RunRecord) {
  return plan.steps.find(({ kind }) => kind === "InferenceJob");
}

/** Versions of both outputs: those of this run, or those published now of its datasets. */
async function recordedBy(
  { store, record }: Found,
  ofRun: boolean,
  asked: string,
): Promise<{ considered: Manifest; histories?: Manifest; run: string }> {
  const refuse = (why: string, remedy: string) => new RejectedError(`Cannot explain ${asked}: ${why}`, { remedy });
  const step = offering(record);
  if (step === undefined)
    throw refuse(
      `run ${record.name} makes no offers`,
      "Name a run that does with --run; sparkwright get runs lists them",
    );
  const port = step.outputs["considered"];
  if (port === undefined)
    throw refuse(
      `step ${step.name} of ${record.name} does not record what it considers`,
      "Add outputs.considered and outputs.histories to the InferenceJob and run it again",
    );
  const { namespace } = record.plan.target.spec;
  const written = (await store.readStatus(record.name))?.steps[step.name]?.outputs ?? {};
  const published = await store.readPointer(namespace, port.dataset);
  const version = ofRun ? written[port.dataset] : published?.version;
  if (version === undefined)
    throw ofRun
      ? refuse(`step ${step.name} of ${record.name} has no outputs`, `sparkwright describe ${record.name} tells why`)
      : refuse(`nothing is published of ${port.dataset}`, "Name a run with --run; sparkwright get runs lists them");
  const considered = await manifestOf(store, namespace, port.dataset, version);
  const run = ofRun ? record.name : (published?.run ?? record.name);
  const other = step.outputs["histories"]?.dataset;
  const pointer = other === undefined || ofRun ? undefined : await store.readPointer(namespace, other);
  // Of another run after a rollback of one of them: what does not belong together is not shown together.
  const mate =
    other === undefined ? undefined : ofRun ? written[other] : pointer?.run === run ? pointer.version : undefined;
  if (other === undefined || mate === undefined) return { considered, run };
  return { considered, histories: await manifestOf(store, namespace, other, mate), run };
}

async function manifestOf(store: FolderStore, namespace: string, dataset: string, version: string): Promise<Manifest> {
  const manifest = await store.readManifest(namespace, dataset, version);
  if (manifest !== undefined) return manifest;
  throw new RejectedError(`Cannot read ${dataset}@${version}: its manifest is gone`, {
    remedy: `sparkwright dataset show ${dataset} lists its versions`,
  });
}

function nameOf({ dataset, version }: Manifest): string {
  return `${dataset}@${version}`;
}
