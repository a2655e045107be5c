/** @module What `plan` and `run` are asked to do: definition, target, parameters, steps, sample, store. */
import type { Command } from "commander";
import type { Plan } from "../plan/plan.ts";
import { parseSample } from "../plan/sample.ts";
import { openStoreAt, type FolderStore } from "../storage/folder.ts";
import {
  collect,
  listOf,
  outputFlag,
  specFlags,
  storeFlag,
  storeFolder,
  type SpecFlags,
  type StoreFlag,
} from "./flags.ts";
import { findRun } from "./runs.ts";
import { planFrom, readSpecs } from "./specs.ts";
import type { Terminal } from "./terminal.ts";

export type SelectionFlags = SpecFlags &
  StoreFlag & { only?: string[]; from?: string; sample?: string; output: string };

/** The argument and the flags of both verbs. */
export function selectionFlags(command: Command): Command {
  return storeFlag(outputFlag(specFlags(command)))
    .argument("[definition]", "pipeline or job; default: the only pipeline, else the only job")
    .option("--only <steps>", "only these steps, separated by commas; what they read is taken as published", collect)
    .option("--from <run>", "with --only: take what the steps read from this run (name, unique prefix or @latest)")
    .option("--sample <share>", "see only this share of the entities, such as 5%; never published");
}

export interface Selection {
  plan: Plan;
  store: FolderStore;
  from: string | undefined;
}

/** The plan that flags and argument ask for, and the store of its target. */
export async function select(
  definition: string | undefined,
  flags: SelectionFlags,
  terminal: Terminal,
): Promise<Selection> {
  const documents = readSpecs(flags, terminal);
  const only = listOf(flags.only);
  const asked = {
    ...(definition === undefined ? {} : { definition }),
    ...(only === undefined ? {} : { only }),
    ...(flags.from === undefined ? {} : { fromRun: flags.from }),
    ...(flags.sample === undefined ? {} : { sample: parseSample(flags.sample) }),
  };
  const plan = planFrom(documents, flags, asked);
  const store = await storeOf(plan, flags, terminal);
  const from = flags.from === undefined ? undefined : (await findRun(store, flags.from, terminal)).name;
  return { plan, store, from };
}

/** Runs on a cluster are objects of it, with their data in the target's store. */
async function storeOf({ target }: Plan, flags: SelectionFlags, terminal: Terminal): Promise<FolderStore> {
  const root = storeFolder(flags, terminal, target.spec.storage.root);
  if (target.spec.backend === "local") return openStoreAt(root);
  const { targetStore } = await import("../storage/cluster.ts");
  return targetStore(target.spec, root);
}
