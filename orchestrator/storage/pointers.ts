/** @module Pointers to the published versions of datasets, with the history of their moves. */
import { RejectedError } from "../errors.ts";
import { missingFile } from "./datasets.ts";
import { toText, type Disk } from "./disk.ts";
import { readJson, readMarked, readText, replace } from "./files.ts";
import type { Layout } from "./layout.ts";
import { exclusively } from "./lock.ts";
import type { Manifest, Move, Pointer, PointerStore } from "./store.ts";

/** As kept: the pointer with the move that made it, from which a history that lacks it is completed. */
type Kept = Pointer & { move: Move };

export function pointersIn(layout: Layout, disk: Disk): PointerStore {
  const { history, standing } = historyIn(layout, disk);

  const alone = <T>(namespace: string, dataset: string, work: () => Promise<T>) =>
    exclusively(disk, layout.pointerLock(namespace, dataset), `the pointer of dataset ${dataset}`, work);

  return {
    history,

    async readPointer(namespace, dataset) {
      const kept = await readJson<Kept>(layout.pointer(namespace, dataset));
      if (kept === undefined) return undefined;
      const { version, run, attempt, sequence, movedAt } = kept;
      return { version, run, attempt, sequence, movedAt };
    },

    publish: (namespace, dataset, to) =>
      alone(namespace, dataset, async () => {
        const { current, done, move } = await standing(namespace, dataset);
        // Done before the process was killed; a rollback since then stands.
        if (done.some((one) => isPublicationOf(one, to))) return undefined;
        if (current !== undefined && current.sequence > to.sequence) {
          return `run ${current.run}, which began later, has published ${current.version}`;
        }
        const before = current === undefined ? {} : { before: current.version };
        await move(to, { action: "publish", ...before });
        return undefined;
      }),

    rollback: (namespace, dataset, { version, by, reason, now }) =>
      alone(namespace, dataset, async () => {
        const { current, done, move } = await standing(namespace, dataset);
        if (current === undefined) throw refuse(dataset, "it was never published");
        const wanted = done.findLast((one) =>
          version === undefined ? one.version !== current.version : one.version === version,
        );
        if (wanted === undefined) {
          const why = version === undefined ? "there is no earlier version" : `version ${version} was never published`;
          throw refuse(dataset, why);
        }
        const manifest = await readJson<Manifest>(layout.version(namespace, dataset, wanted.version));
        const missing = manifest === undefined ? "the manifest" : await missingFile(manifest);
        if (missing !== undefined) throw refuse(dataset, `${missing} of version ${wanted.version} is gone`);
        // The sequence stays: what a later run published is taken back on purpose, and runs older than that must not move it.
        const { run, attempt } = wanted;
        const pointer = { version: wanted.version, run, attempt, sequence: current.sequence, movedAt: now };
        const why = reason === undefined ? {} : { reason };
        await move(pointer, { action: "rollback", before: current.version, by, ...why });
        return pointer;
      }),
  };
}

/** The pointer with the moves that led to it. */
function historyIn(layout: Layout, disk: Disk) {
  const history = async (namespace: string, dataset: string) =>
    movesOf((await readText(layout.history(namespace, dataset))) ?? "");

  /** Where the pointer is and how it got there. A mover that was killed between its two writes is completed first. */
  const standing = async (namespace: string, dataset: string) => {
    const { value: current, mark } = await readMarked<Kept>(layout.pointer(namespace, dataset));
    const done = await history(namespace, dataset);
    const isWhole = current === undefined || JSON.stringify(done.at(-1)) === JSON.stringify(current.move);
    if (isWhole) return { current, done, move: mover(namespace, dataset, mark) };
    await disk.append(layout.history(namespace, dataset), JSON.stringify(current.move));
    return { current, done: [...done, current.move], move: mover(namespace, dataset, mark) };
  };

  /** Moves the pointer that bore `mark`, and no other. */
  const mover =
    (namespace: string, dataset: string, mark: string | undefined) =>
    async (pointer: Pointer, how: Omit<Move, keyof Pointer>) => {
      const kept: Kept = { ...pointer, move: { ...pointer, ...how } };
      await replace(disk, layout.pointer(namespace, dataset), toText(kept), mark);
      await disk.append(layout.history(namespace, dataset), JSON.stringify(kept.move));
    };

  return { history, standing };
}

function isPublicationOf(move: Move, to: Pointer): boolean {
  const isSame = move.run === to.run && move.attempt === to.attempt && move.version === to.version;
  return move.action === "publish" && isSame;
}

function refuse(dataset: string, why: string): RejectedError {
  const remedy = `sparkwright dataset history ${dataset} lists what can be rolled back to`;
  return new RejectedError(`Cannot roll back dataset ${dataset}: ${why}`, { remedy });
}

/** Lines of a history; what a crash left unfinished is passed over. */
function movesOf(text: string): Move[] {
  return text.split("\n").flatMap((line) => {
    try {
      return line === "" ? [] : [JSON.parse(line) as Move];
    } catch {
      return [];
    }
  });
}
