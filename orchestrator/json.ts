/** JSON values, and their one canonical text. */
import { createHash } from "node:crypto";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Text of a value with sorted keys and without undefined fields: equal values give equal text. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) =>
    field !== null && typeof field === "object" && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : field,
  );
}

/** SHA-256 of the canonical text, as hex. */
export function digest(value: unknown): string {
  return createHash("sha256").update(canonical(value)).digest("hex");
}
