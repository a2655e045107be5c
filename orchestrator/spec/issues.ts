/** @module What zod finds wrong with a spec, in our words: what was expected, what is there, which name was meant. */
import type { z } from "zod";
import type { KindName } from "../kinds/index.ts";
import { schemaAt, specSchema } from "../kinds/json-schema.ts";
import { suggestion } from "../nearest.ts";
import { shown } from "./parse.ts";
import { type Path, valueAt } from "./path.ts";

export interface Issue {
  /** From the spec down. */
  path: Path;
  /** Whether the key or the value is at fault. */
  part: "key" | "value";
  message: string;
  remedy?: string;
}

/** Issues of a failed parse; one zod issue may name several unknown fields. `spec` is what was parsed. */
export function issuesOf(kind: KindName, error: z.ZodError, spec: unknown): Issue[] {
  return error.issues.flatMap((issue) => issueOf(kind, issue, spec));
}

function issueOf(kind: KindName, issue: z.core.$ZodIssue, spec: unknown): Issue[] {
  const path = issue.path.map((part) => (typeof part === "number" ? part : String(part)));
  if (issue.code === "unrecognized_keys") {
    const found = schemaAt(specSchema(kind), path);
    const known = "schema" in found ? Object.keys(found.schema.properties ?? {}) : [];
    return issue.keys.map((key) => ({
      path: [...path, key],
      part: "key",
      message: `unknown field "${key}"${suggestion(key, known)}`,
    }));
  }
  const value = valueAt(spec, path);
  const meaning = descriptionAt(kind, path);
  const remedy = meaning === undefined ? {} : { remedy: `${String(path.at(-1))}: ${meaning}` };
  if (value === undefined) {
    const expected = issue.code === "invalid_type" ? `: expected ${EXPECTED[issue.expected] ?? issue.expected}` : "";
    return [{ path, part: "value", message: `missing field "${String(path.at(-1) ?? "spec")}"${expected}`, ...remedy }];
  }
  return [{ path, part: "value", message: messageOf(issue, value) }];
}

function messageOf(issue: z.core.$ZodIssue, value: unknown): string {
  switch (issue.code) {
    case "invalid_type":
      return `expected ${EXPECTED[issue.expected] ?? issue.expected}, found ${kindOf(value)}`;
    case "invalid_value": {
      const near = typeof value === "string" ? suggestion(value, issue.values.map(String)) : "";
      return `expected one of ${issue.values.map(shown).join(", ")}, found ${shown(value)}${near.startsWith("; did") ? near : ""}`;
    }
    case "too_small":
      return `expected ${sized(issue.origin, issue.inclusive === false ? "more than" : "at least", issue.minimum)}, found ${amount(value)}`;
    case "too_big":
      return `expected ${sized(issue.origin, issue.inclusive === false ? "less than" : "at most", issue.maximum)}, found ${amount(value)}`;
    case "invalid_format":
      return `${issue.message}, found ${shown(value)}`;
    case "invalid_union":
      return "expected text, numbers, true, false, null, lists and maps of them";
    case "custom":
      return issue.message;
    case "unrecognized_keys":
    case "not_multiple_of":
    case "invalid_key":
    case "invalid_element":
      return `${issue.message}, found ${shown(value)}`;
  }
}

const EXPECTED: Record<string, string> = {
  string: "text",
  int: "a whole number",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  record: "a map",
};

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (value !== null && typeof value === "object") return "a map";
  return typeof value === "string" ? `text ${shown(value)}` : shown(value);
}

function sized(origin: string, bound: string, limit: number | bigint): string {
  if (origin === "string") return `${bound} ${limit} ${limit === 1 ? "character" : "characters"}`;
  return origin === "array" ? `${bound} ${limit} ${limit === 1 ? "entry" : "entries"}` : `${bound} ${limit}`;
}

function amount(value: unknown): string {
  if (Array.isArray(value)) return String(value.length);
  return typeof value === "string" ? `${value.length}` : shown(value);
}

function descriptionAt(kind: KindName, path: Path): string | undefined {
  const found = schemaAt(specSchema(kind), path);
  return "schema" in found ? found.schema.description : undefined;
}
