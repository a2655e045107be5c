/** @module Typed parameters: what is declared, what is given, and the values that follow. Values are text throughout. */
import type { z } from "zod";
import { isDay, type Params } from "../kinds/fields.ts";
import { suggestion } from "../nearest.ts";
import { shown } from "./parse.ts";

export type Declared = z.output<typeof Params>;
export type Param = Declared[string];

/** Why a text is no value of a parameter; undefined when it is one. */
export function mismatch(param: Param, text: string): string | undefined {
  if (!FORMS[param.type].test(text) || (param.type === "date" && !isDay(text)))
    return `expected ${EXPECTED[param.type]}, found ${shown(text)}`;
  if (param.type === "int" && !Number.isSafeInteger(Number(text)))
    return `expected a whole number below 2^53, found ${shown(text)}`;
  if (param.type === "number" && !Number.isFinite(Number(text)))
    return `expected a finite number, found ${shown(text)}`;
  if (param.enum !== undefined && !param.enum.includes(text)) {
    return `expected one of ${param.enum.map(shown).join(", ")}, found ${shown(text)}`;
  }
  return undefined;
}

const FORMS: Record<Param["type"], RegExp> = {
  string: /^/,
  int: /^-?\d{1,16}$/,
  number: /^-?(\d+(\.\d+)?|\.\d+)([eE][-+]?\d{1,3})?$/,
  boolean: /^(true|false)$/,
  date: /^\d{4}-\d{2}-\d{2}$/,
};

const EXPECTED: Record<Param["type"], string> = {
  string: "text",
  int: "a whole number",
  number: "a number",
  boolean: "true or false",
  date: "a day such as 2017-11-15",
};

/** A value as the field of a spec takes it by `bind`. */
export function typedValue(param: Param, text: string): string | number | boolean {
  switch (param.type) {
    case "int":
    case "number":
      return Number(text);
    case "boolean":
      return text === "true";
    case "string":
    case "date":
      return text;
  }
}

export interface ParamFinding {
  param: string;
  /** Where the mistake is: in what was given, or in the declaration. */
  in: "given" | "declared";
  message: string;
  remedy?: string;
}

/**
 * Values of the declared parameters: what is given, else the default. Every mistake is reported: a name nobody declared (with the nearest),
 * a value of the wrong type or outside the enum, and a parameter that has neither value nor default.
 */
export function paramValues(
  declared: Declared,
  given: Record<string, string>,
): { values: Record<string, string>; findings: ParamFinding[] } {
  const findings: ParamFinding[] = [];
  const values: Record<string, string> = {};
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(declared, name)) continue;
    const none = Object.keys(declared).length === 0 ? "; it has none" : suggestion(name, Object.keys(declared));
    findings.push({ param: name, in: "given", message: `unknown parameter "${name}"${none}` });
  }
  for (const [name, param] of Object.entries(declared)) {
    const isGiven = Object.hasOwn(given, name);
    const text = isGiven ? given[name] : param.default;
    if (text === undefined) {
      const remedy = `give --param ${name}=${param.enum === undefined ? param.type.toUpperCase() : param.enum.join("|")}, or a default`;
      findings.push({ param: name, in: "declared", message: `parameter "${name}" has no value`, remedy });
      continue;
    }
    const wrong = mismatch(param, text);
    if (wrong === undefined) values[name] = text;
    else findings.push({ param: name, in: isGiven ? "given" : "declared", message: `parameter "${name}": ${wrong}` });
  }
  return { values, findings };
}

/** `k=v` of the command line; undefined when there is no `=` or no name. */
export function parseParam(text: string): [string, string] | undefined {
  const equals = text.indexOf("=");
  return equals < 1 ? undefined : [text.slice(0, equals), text.slice(equals + 1)];
}
