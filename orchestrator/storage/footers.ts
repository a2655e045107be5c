/** @module What a Parquet file says about itself: rows, and columns with their Spark types. */
import { parquetMetadataAsync, parquetSchema, type AsyncBuffer, type SchemaTree } from "hyparquet";
import { RejectedError } from "../errors.ts";
import type { Entry } from "./disk.ts";
import { filesAt } from "./files.ts";

export interface Footer {
  rows: number;
  columns: { name: string; type: string }[];
}

/**
 * Footer of a Parquet file, of which only the end is read, and nothing when `known` has its bytes. Throws an Error that says why
 * for a file that is none, or is cut.
 */
export async function readFooter(path: string, known?: { size: number; bytes?: Uint8Array }): Promise<Footer> {
  const { size } = known ?? (await there(path));
  const metadata = await parquetMetadataAsync(bufferOf(path, size, known?.bytes), { initialFetchSize: FIRST_FETCH });
  const columns = parquetSchema(metadata).children.map((child) => ({
    name: child.element.name,
    type: sparkType(child),
  }));
  return { rows: Number(metadata.num_rows), columns };
}

/** Enough for the footers of most files; of longer ones the rest is fetched, too. */
const FIRST_FETCH = 64 * 1024;

async function there(path: string): Promise<Entry> {
  const found = await filesAt(path).look(path);
  if (found === undefined) throw new RejectedError(`Cannot read ${path}: it is not there`);
  return found;
}

/** A file, or what `bytes` holds of it, as hyparquet reads it: piece by piece. */
export function bufferOf(path: string, size: number, bytes?: Uint8Array): AsyncBuffer {
  return {
    byteLength: size,
    async slice(start, end = size) {
      // As of arrays: from the end when negative.
      const [from, to] = [start, end].map((at) => (at < 0 ? Math.max(0, size + at) : Math.min(at, size)));
      const piece = bytes?.slice(from, to) ?? (await filesAt(path).range(path, from ?? 0, to ?? size));
      return new Uint8Array(piece).buffer;
    },
  };
}

/** Spark's simple name of a column's type; for one without a counterpart the Parquet name, which no declaration equals. */
export function sparkType(node: SchemaTree): string {
  const { element, children } = node;
  const { type, logical_type: logical, converted_type: converted } = element;
  if (type === undefined) return nestedType(node);
  // A bare repeated field, as old writers make it, is a list.
  if (children.length > 0) return "struct";
  switch (type) {
    case "BOOLEAN":
      return "boolean";
    case "INT32":
      return decimalType(node) ?? INT32[converted ?? ""] ?? (logical?.type === "DATE" ? "date" : "int");
    case "INT64":
      return decimalType(node) ?? timeType(node) ?? (converted === "UINT_64" ? "decimal(20,0)" : "bigint");
    case "INT96":
      return "timestamp";
    case "FLOAT":
      return "float";
    case "DOUBLE":
      return "double";
    case "BYTE_ARRAY":
      return decimalType(node) ?? (isText(node) ? "string" : "binary");
    case "FIXED_LEN_BYTE_ARRAY":
      return decimalType(node) ?? "binary";
  }
}

const INT32: Partial<Record<string, string>> = {
  DATE: "date",
  INT_8: "tinyint",
  INT_16: "smallint",
  UINT_8: "smallint",
  UINT_16: "int",
  UINT_32: "bigint",
};

function isText({ element }: SchemaTree): boolean {
  const logical = element.logical_type?.type;
  return (
    logical === "STRING" ||
    logical === "ENUM" ||
    logical === "JSON" ||
    ["UTF8", "ENUM", "JSON"].includes(element.converted_type ?? "")
  );
}

function timeType({ element }: SchemaTree): string | undefined {
  const logical = element.logical_type;
  if (logical?.type === "TIMESTAMP") return logical.isAdjustedToUTC ? "timestamp" : "timestamp_ntz";
  return element.converted_type?.startsWith("TIMESTAMP_") === true ? "timestamp" : undefined;
}

function decimalType({ element }: SchemaTree): string | undefined {
  const isDecimal = element.logical_type?.type === "DECIMAL" || element.converted_type === "DECIMAL";
  return isDecimal ? `decimal(${element.precision ?? 10},${element.scale ?? 0})` : undefined;
}

function nestedType({ element, children }: SchemaTree): string {
  const kind = element.logical_type?.type ?? element.converted_type;
  const [repeated] = children;
  if (kind === "LIST" && repeated !== undefined) {
    // Three levels as the format asks for, or two as old writers did.
    const [item] = repeated.children;
    return `array<${sparkType(repeated.children.length === 1 && item !== undefined ? item : repeated)}>`;
  }
  if (kind === "MAP" && repeated !== undefined) return `map<${repeated.children.map(sparkType).join(",")}>`;
  return `struct<${children.map((child) => `${child.element.name}:${sparkType(child)}`).join(",")}>`;
}
