/** @module `doctor`: whether runs of a target could work from here; exit 1 when something is missing. */
import type { Command } from "commander";
import { JobFailedError } from "../errors.ts";
import { targetOf } from "../plan/select.ts";
import { checkupView, type Finding } from "../report/checkup.ts";
import { format } from "../report/format.ts";
import { counted } from "../report/text.ts";
import { checkMachine, checkStore, storeProblem } from "../runner/checkup.ts";
import { catalogueOf } from "../spec/document.ts";
import { outputFlag, placeFlags, type PlaceFlags, specFlags, type SpecFlags, storeFolder } from "./flags.ts";
import { openPlace } from "./runs.ts";
import { defaultTarget, machineFor, readSpecs } from "./specs.ts";
import type { Terminal } from "./terminal.ts";

type Flags = SpecFlags & PlaceFlags & { output: string };

export function declare(command: Command, terminal: Terminal): void {
  placeFlags(outputFlag(specFlags(command))).action(async (flags: Flags) => {
    const { name, findings } = await look(flags, terminal);
    terminal.out(format(flags.output)(checkupView(name, findings, terminal.paint)));
    const failed = findings.filter(({ outcome }) => outcome === "failed").length;
    if (failed > 0) throw new JobFailedError(`${counted(failed, "check")} failed; ${name} is not ready`);
  });
}

async function look(flags: Flags, terminal: Terminal): Promise<{ name: string; findings: Finding[] }> {
  // Without specs a cluster can be looked at all the same.
  if (flags.target === undefined && (flags.namespace !== undefined || flags.context !== undefined)) {
    const store = flags.store === undefined ? [] : [await checkStore(storeFolder(flags, terminal))];
    return {
      name: `namespace ${flags.namespace ?? "of the context"}`,
      findings: [...(await onCluster(flags)), ...store],
    };
  }
  const documents = readSpecs(flags, terminal);
  const { name, spec } = targetOf(catalogueOf(documents), flags.target ?? defaultTarget(documents));
  const root = storeFolder(flags, terminal, spec.storage.root);
  if (spec.backend === "local") return { name: `target ${name}`, findings: await checkMachine(machineFor(spec), root) };
  const { namespace = spec.namespace, context = spec.context } = flags;
  const found = await onCluster({ namespace, ...(context === undefined ? {} : { context }) });
  const problems = storeProblem(spec, root);
  return {
    name: `target ${name}`,
    findings: [...found, ...(problems.length > 0 ? problems : [await checkStore(root)])],
  };
}

async function onCluster(flags: PlaceFlags): Promise<Finding[]> {
  const { checkCluster } = await import("../runner/cluster-checkup.ts");
  const { connection, namespace } = await openPlace(flags);
  return checkCluster(connection, namespace);
}
