/** @module Names of dataset versions: a digest of what is in them, so that equal data has one version wherever and whenever it was made. */
import { digest } from "../json.ts";
import type { FileEntry, Manifest } from "./store.ts";

const HEX_DIGITS = 12;

/** What a version's name is a digest of. */
export type Content = Pick<Manifest, "format" | "columns" | "partitionBy"> & {
  files: (FileEntry & { name?: string })[];
};

/** `v-` and twelve hex digits. Paths do not count, except within a model, whose files are told apart by name. */
export function versionOf({ format, columns, partitionBy, files }: Content): string {
  const entries = files.map(({ partition, rows, etag, name }) =>
    JSON.stringify([sortedPairs(partition ?? {}), rows ?? null, etag, format === "model" ? (name ?? "") : ""]),
  );
  return `v-${digest({ format, columns: columns.map(({ name, type }) => [name, type]), partitionBy, files: entries.toSorted() }).slice(0, HEX_DIGITS)}`;
}

function sortedPairs(partition: Record<string, string>): [string, string][] {
  return Object.entries(partition).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
