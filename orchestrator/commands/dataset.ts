/** @module `dataset list|show|diff|history|rollback|put`. */
import { userInfo } from "node:os";
import { resolve } from "node:path";
import type { Command } from "commander";
import { RejectedError } from "../errors.ts";
import { suggestion } from "../nearest.ts";
import { external } from "../plan/step.ts";
import { targetOf } from "../plan/select.ts";
import { diffView } from "../report/dataset-diff.ts";
import { datasetsView, movesView, versionsView, versionView } from "../report/datasets.ts";
import { bytes } from "../report/measure.ts";
import { counted } from "../report/text.ts";
import { format } from "../report/format.ts";
import { catalogueOf } from "../spec/document.ts";
import type { FolderStore } from "../storage/folder.ts";
import type { Manifest } from "../storage/store.ts";
import { upload } from "../storage/upload.ts";
import { outputFlag, specFlags, storeFlag, type SpecFlags, type StoreFlag } from "./flags.ts";
import { openStore } from "./runs.ts";
import { readSpecs } from "./specs.ts";
import type { Terminal } from "./terminal.ts";

type Flags = StoreFlag & { namespace: string; output: string; reason?: string };

export function declare(command: Command, terminal: Terminal): void {
  const { now, paint } = terminal;

  shared(command.command("list"))
    .description("datasets with their current version")
    .action(async (flags: Flags) => {
      const store = openStore(flags, terminal);
      const rows = await store.listDatasets(flags.namespace);
      const empty = `No datasets in namespace ${flags.namespace} of ${store.root}`;
      terminal.out(format(flags.output)(datasetsView(rows, now(), paint, empty)));
    });

  shared(command.command("show"))
    .description("versions of a dataset, or one version with its columns and files")
    .argument("<dataset>", "DATASET or DATASET@VERSION")
    .action(async (name: string, flags: Flags) => {
      const store = openStore(flags, terminal);
      const [dataset = "", version] = name.split("@");
      const known = await existing(store, flags.namespace, dataset);
      const current = await store.readPointer(flags.namespace, known);
      const versions = (await store.listVersions(flags.namespace, known)).toReversed();
      if (version === undefined)
        return terminal.out(format(flags.output)(versionsView(versions, current, now(), paint)));
      const row = versionIn(known, versions, version, current?.version);
      terminal.out(format(flags.output)(versionView(row, current, now(), paint)));
    });

  declareDiff(command, terminal);

  shared(command.command("history"))
    .description("when its pointer moved, and who moved it")
    .argument("<dataset>")
    .action(async (dataset: string, flags: Flags) => {
      const store = openStore(flags, terminal);
      const moves = await store.history(flags.namespace, await existing(store, flags.namespace, dataset));
      terminal.out(format(flags.output)(movesView(dataset, moves.toReversed(), now(), paint)));
    });

  declarePut(command, terminal);

  shared(command.command("rollback"))
    .description("point readers to a version published before")
    .argument("<dataset>")
    .argument("[version]", "default: the one before the current")
    .option("--reason <text>", "kept in the history")
    .action(async (dataset: string, version: string | undefined, flags: Flags) => {
      const store = openStore(flags, terminal);
      await existing(store, flags.namespace, dataset);
      const to = await store.rollback(flags.namespace, dataset, {
        by: userInfo().username,
        now: now(),
        ...(version === undefined ? {} : { version }),
        ...(flags.reason === undefined ? {} : { reason: flags.reason }),
      });
      terminal.out(`${dataset} points to ${to.version} of ${to.run}\n`);
    });
}

function declareDiff(command: Command, terminal: Terminal): void {
  shared(command.command("diff"))
    .description("what differs between two versions: columns, rows, size, profiles")
    .argument("<dataset>")
    .argument("[before]", "version; default: the one published before the current")
    .argument("[after]", "version; default: the current")
    .action(async (dataset: string, before: string | undefined, after: string | undefined, flags: Flags) => {
      const store = openStore(flags, terminal);
      const known = await existing(store, flags.namespace, dataset);
      const current = await store.readPointer(flags.namespace, known);
      const moves = await store.history(flags.namespace, known);
      const earlier = moves.findLast((move) => move.version !== current?.version)?.version;
      const versions = await store.listVersions(flags.namespace, known);
      const [from, to] = [before ?? earlier, after ?? current?.version];
      if (from === undefined || to === undefined) {
        throw new RejectedError(`Cannot compare versions of ${dataset}: only one was ever published`, {
          remedy: `name two of those that sparkwright dataset show ${dataset} lists`,
        });
      }
      const [old, next] = [from, to].map((version) => versionIn(known, versions, version, current?.version)) as [
        Manifest,
        Manifest,
      ];
      terminal.out(format(flags.output)(diffView(old, next, current, terminal.now(), terminal.paint)));
    });
}

/** `put` asks the specs where a dataset from outside lies. */
function declarePut(command: Command, terminal: Terminal): void {
  specFlags(command.command("put"))
    .description("send files of this machine to where a target reads a dataset from outside")
    .argument("<dataset>")
    .argument("<path>", "file or folder")
    .action(async (name: string, path: string, flags: SpecFlags) => {
      const catalogue = catalogueOf(readSpecs(flags, terminal));
      const dataset = catalogue.datasets.get(name);
      const { source, path: below } = dataset?.spec ?? {};
      if (dataset === undefined)
        throw new RejectedError(`Cannot find dataset "${name}"${suggestion(name, catalogue.datasets.keys())}`);
      if (source === undefined || below === undefined)
        throw new RejectedError(`Cannot send data to dataset ${name}: it is not from outside, a job writes it`);
      const place = external(source, below, targetOf(catalogue, flags.target));
      const { to, sent, size, unchanged, others } = await upload(resolve(terminal.cwd, path), place.path);
      terminal.out(`${counted(sent, "file")} sent (${bytes(size)}), ${unchanged} unchanged: ${to}\n`);
      if (others.length > 0)
        terminal.out(`${counted(others.length, "more file")} there, read as data, too: ${others[0] ?? ""}\n`);
    });
}

function shared(command: Command): Command {
  return storeFlag(outputFlag(command)).option("-n, --namespace <name>", "namespace of the dataset", "default");
}

/** The manifest of a version, or of the one that `current` stands for. */
function versionIn(dataset: string, versions: Manifest[], version: string, current: string | undefined): Manifest {
  const row = versions.find((one) => one.version === (version === "current" ? current : version));
  if (row !== undefined) return row;
  const near = suggestion(
    version,
    versions.map((one) => one.version),
  );
  throw new RejectedError(`Cannot find version "${version}" of ${dataset}${near}`);
}

async function existing(store: FolderStore, namespace: string, dataset: string): Promise<string> {
  const names = (await store.listDatasets(namespace)).map((row) => row.dataset);
  if (names.includes(dataset)) return dataset;
  throw new RejectedError(
    `Cannot find dataset "${dataset}" in namespace ${namespace} of ${store.root}${suggestion(dataset, names)}`,
  );
}
