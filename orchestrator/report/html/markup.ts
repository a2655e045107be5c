/** @module Text of an HTML page in which nothing from elsewhere can become markup. */
import { harmless } from "../text.ts";

/** A piece of HTML. Made by `markup`, or by hand from text that this program holds itself. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type Part = string | number | Markup | readonly Markup[];

export const NOTHING = new Markup("");

/** Tag of a template: its own text is markup, every string put into it is not. */
export function markup(fixed: TemplateStringsArray, ...parts: Part[]): Markup {
  return new Markup(fixed.map((text, at) => text + (at < parts.length ? partText(parts[at] ?? "") : "")).join(""));
}

/** Text as it may stand in an element or in a quoted attribute; control characters are shown. */
export function escaped(text: string): string {
  return harmless(text.toWellFormed()).replaceAll(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function partText(part: Part): string {
  if (part instanceof Markup) return part.text;
  if (typeof part === "string") return escaped(part);
  if (typeof part === "number") return String(Math.round(part * 100) / 100);
  return part.map((one) => one.text).join("");
}
