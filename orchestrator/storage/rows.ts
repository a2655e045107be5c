/** @module Single rows of a version: of its files only those row groups are read that may hold them. */
import { parquetMetadataAsync, parquetReadObjects, type RowGroup } from "hyparquet";
import { RejectedError, UnavailableError } from "../errors.ts";
import { inParallel } from "./files.ts";
import { bufferOf } from "./footers.ts";
import type { FileEntry, Manifest } from "./store.ts";

export type Row = Record<string, unknown>;

/**
 * Rows of a Parquet version of which `column`, a text, is one of `values` (null: has none), in the order of the files. Throws
 * RejectedError for a file that is gone or cannot be read.
 */
export async function rowsWith(manifest: Manifest, column: string, values: (string | null)[]): Promise<Row[]> {
  const perFile = await inParallel(manifest.files, (file) => rowsOf(manifest, file, column, values));
  return perFile.flat();
}

async function rowsOf(manifest: Manifest, file: FileEntry, column: string, values: (string | null)[]): Promise<Row[]> {
  const buffer = bufferOf(file.path, file.size);
  try {
    const metadata = await parquetMetadataAsync(buffer);
    const found: Row[] = [];
    let rowStart = 0;
    for (const group of metadata.row_groups) {
      const rowEnd = rowStart + Number(group.num_rows);
      if (values.some((value) => mayHold(group, column, value))) {
        const rows: Row[] = await parquetReadObjects({ file: buffer, metadata, rowStart, rowEnd });
        found.push(...rows.filter((row) => values.includes((row[column] ?? null) as string | null)));
      }
      rowStart = rowEnd;
    }
    return found;
  } catch (error) {
    // A server that does not answer says nothing of the file.
    if (error instanceof UnavailableError) throw error;
    const { dataset, version } = manifest;
    throw new RejectedError(
      `Cannot read ${dataset}@${version}: ${file.path}: ${error instanceof Error ? error.message : String(error)}`,
      { remedy: `sparkwright dataset show ${dataset} lists its versions`, cause: error },
    );
  }
}

/** Whether the statistics of a row group allow the value in the column; without any they do. */
export function mayHold(group: RowGroup, column: string, value: string | null): boolean {
  const chunk = group.columns.find(({ meta_data: meta }) => meta?.path_in_schema.join(".") === column);
  const { min_value: least, max_value: most, null_count: nulls } = chunk?.meta_data?.statistics ?? {};
  if (value === null) return nulls === undefined || nulls > 0n;
  // Only nulls, of which there is no least.
  if (least === undefined || most === undefined) return nulls === undefined || nulls < group.num_rows;
  if (typeof least !== "string" || typeof most !== "string") return true;
  // The order of the format is that of bytes.
  const bytes = Buffer.from(value);
  return Buffer.compare(bytes, Buffer.from(least)) >= 0 && Buffer.compare(bytes, Buffer.from(most)) <= 0;
}
