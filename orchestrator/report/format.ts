/** @module `-o`: one set of rows as table, JSON, YAML, names or a jsonpath template. */
import { stringify } from "yaml";
import { RejectedError } from "../errors.ts";
import type { Json } from "../json.ts";
import { jsonpath } from "./jsonpath.ts";
import { harmless } from "./text.ts";

export const FORMATS = ["table", "wide", "json", "yaml", "name", "jsonpath=TEMPLATE"] as const;

/** What a verb has to show, in the forms that `-o` may ask for. */
export interface View {
  /** The object or list, with API version and kind. */
  object: Json;
  /** `kind/name` of each item. */
  names: string[];
  /** What each line of the table is about, without what passes by itself, such as its age. */
  rows?: Json[];
  table(wide: boolean): string;
}

export type Format = (view: View) => string;

/** The printer for the value of `-o`. Raises RejectedError for a format or template that is not known. */
export function format(asked: string): Format {
  if (asked.startsWith("jsonpath=")) {
    const print = jsonpath(asked.slice("jsonpath=".length));
    return (view) => harmless(print(view.object));
  }
  switch (asked) {
    case "table":
      return (view) => view.table(false);
    case "wide":
      return (view) => view.table(true);
    case "json":
      return (view) => `${JSON.stringify(view.object, undefined, 2)}\n`;
    case "yaml":
      return (view) => yaml(view.object);
    case "name":
      return (view) => view.names.map((name) => `${name}\n`).join("");
    default:
      throw new RejectedError(`Cannot print as "${asked}": expected one of ${FORMATS.join(", ")}`);
  }
}

/** YAML as people write it: keys in the order given, no line folding, no anchors; texts such as `on` in quotes, for readers of YAML 1.1. */
export function yaml(object: Json): string {
  return stringify(object, { lineWidth: 0, aliasDuplicateObjects: false, compat: "yaml-1.1" });
}

/** Several objects as a YAML stream. */
export function yamlStream(objects: Json[]): string {
  return objects.map(yaml).join("---\n");
}
