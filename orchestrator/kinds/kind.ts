import type { z } from "zod";

/** What a port takes: rows with columns, or a folder of files that belong together. */
export type PortFormat = "table" | "model";

export interface Ports {
  inputs: Record<string, PortFormat>;
  outputs: Record<string, PortFormat>;
}

export interface PrintedColumn {
  name: string;
  /** Dotted path from the document, such as `spec.asOf`. */
  path: string;
}

/** All that is known about a kind beside its schema; every generator walks the list in `index.ts`. */
export interface Kind<Name extends string = string, Schema extends z.ZodType = z.ZodType> {
  kind: Name;
  /** Lower case, as in `sparkwright get featurejobs`. */
  plural: string;
  schema: Schema;
  /** Columns of `get` beside the name. */
  columns: readonly PrintedColumn[];
  /** Roles a job reads and writes; `any`: the spec names its own. Absent: the kind is not a job. */
  ports?: Ports | "any";
}
