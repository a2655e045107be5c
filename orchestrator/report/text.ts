/** @module Text for a terminal: colours that can be off, and foreign text that cannot move the cursor. */
import { styleText } from "node:util";

export type Tone = "good" | "bad" | "busy" | "quiet" | "strong";
/** Colours a text, or leaves it as it is. Chosen once per stream by `painter`. */
export type Paint = (tone: Tone, text: string) => string;

const STYLES = { good: "green", bad: "red", busy: "cyan", quiet: "gray", strong: "bold" } as const;

/** What decides about colours: a stream that may be a terminal and the variables of no-color.org and Node. */
export interface ColourChoice {
  isTTY: boolean;
  environ: Record<string, string | undefined>;
}

export const noPaint: Paint = (_tone, text) => text;

/** Colours on a terminal unless NO_COLOR is set or TERM is `dumb`; FORCE_COLOR other than 0 turns them on anywhere. */
export function painter({ isTTY, environ }: ColourChoice): Paint {
  const forced = environ["FORCE_COLOR"] !== undefined && environ["FORCE_COLOR"] !== "0";
  const refused = (environ["NO_COLOR"] ?? "") !== "" || environ["TERM"] === "dumb" || environ["FORCE_COLOR"] === "0";
  if (!forced && (refused || !isTTY)) return noPaint;
  return (tone, text) => styleText(STYLES[tone], text, { validateStream: false });
}

/** Shows control characters instead of obeying them; line breaks and tabs stay. Logs and specs come from elsewhere. */
export function harmless(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (c) =>
    c === "\r" ? "" : `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/** The text on one line: breaks and tabs become single spaces, control characters are shown. */
export function oneLine(text: string): string {
  return harmless(text.replaceAll(/\s+/g, " ").trim());
}

/** At most `width` characters, the last one `…` when something was cut. */
export function cut(text: string, width: number): string {
  const letters = [...text];
  return letters.length <= width ? text : `${letters.slice(0, Math.max(0, width - 1)).join("")}…`;
}

/** Every line of a text behind the same margin. */
export function indent(text: string, margin: string): string {
  return text.replaceAll(/^(?=.)/gm, margin);
}

/** `1 step`, `2 steps`. */
export function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** A body below its title; nothing for an empty body. */
export function section(title: string, body: string, paint: Paint): string {
  return body === "" ? "" : `${paint("strong", title)}\n${indent(body, "  ")}`;
}
