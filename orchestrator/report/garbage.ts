/** @module `gc`: what goes, or would go. */
import { relative } from "node:path";
import { API_VERSION } from "../kinds/fields.ts";
import type { View } from "./format.ts";
import { bytes } from "./measure.ts";
import { table, type Column } from "./table.ts";
import { counted, type Paint } from "./text.ts";

export interface GarbageRow {
  kind: string;
  /** Absolute. */
  path: string;
  bytes: number;
  reason: string;
}

/** Table of garbage below `root`, with its sum. */
export function garbageView(rows: GarbageRow[], root: string, dryRun: boolean, paint: Paint): View {
  const columns: Column<GarbageRow>[] = [
    { title: "KIND", value: (row) => row.kind },
    { title: "PATH", value: (row) => relative(root, row.path) },
    { title: "SIZE", value: (row) => bytes(row.bytes), align: "right" },
    { title: "REASON", value: (row) => row.reason },
  ];
  const sum = rows.reduce((total, row) => total + row.bytes, 0);
  const summary = `\n${dryRun ? "Would remove" : "Removed"} ${counted(rows.length, "thing")}, ${bytes(sum)}\n`;
  return {
    object: { apiVersion: API_VERSION, kind: "GarbageList", dryRun, items: rows.map((row) => ({ ...row })) },
    names: rows.map((row) => `${row.kind}/${relative(root, row.path)}`),
    table: (wide) =>
      rows.length === 0 ? `Nothing to remove in ${root}\n` : `${table(columns, rows, { wide, paint })}${summary}`,
  };
}
