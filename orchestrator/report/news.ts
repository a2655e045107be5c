/** @module `get -w`: of a view that is made again and again, only what is new. */
import { canonical } from "../json.ts";
import type { View } from "./format.ts";

/**
 * Text to print after what was printed before. Of a table the lines whose rows are new, below the head the first time; of any other form
 * everything, when anything is new. Empty when nothing is.
 */
export function news(view: View, shown: string, before: View | undefined): string {
  const rows = view.rows?.map(canonical);
  const lines = shown.split("\n").slice(0, -1);
  // A table has a head; what has no line for each row is not one.
  if (rows === undefined || lines.length !== rows.length + 1)
    return before !== undefined && canonical(before.object) === canonical(view.object) ? "" : shown;
  if (before === undefined) return shown;
  // What stands in the place of an empty table is said once.
  if (rows.length === 0) return before.rows?.length === 0 ? "" : shown;
  const known = new Set((before.rows ?? []).map(canonical));
  const isFirst = known.size === 0;
  const fresh = lines.slice(1).filter((_line, at) => !known.has(rows[at] ?? ""));
  return [...(isFirst ? lines.slice(0, 1) : []), ...fresh].map((line) => `${line}\n`).join("");
}
