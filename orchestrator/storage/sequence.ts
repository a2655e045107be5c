/** @module The next run number of a store. Whoever takes one holds the lock of the sequence. */
import type { Disk } from "./disk.ts";
import { filesAt, replace } from "./files.ts";
import type { Layout } from "./layout.ts";

/** Takes a number; `last` tells the highest one given when the counter is lost or was overwritten. */
export async function nextSequence(layout: Layout, disk: Disk, last: () => Promise<number>): Promise<number> {
  const { bytes, mark } = (await filesAt(layout.sequence).read(layout.sequence)) ?? {};
  const text = bytes === undefined ? "" : Buffer.from(bytes).toString().trim();
  const next = /^[1-9]\d{0,14}$/.test(text) ? Number(text) : (await last()) + 1;
  await replace(disk, layout.sequence, `${next + 1}\n`, mark);
  return next;
}
