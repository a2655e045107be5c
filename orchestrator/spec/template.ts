/** @module `${params.NAME}`, `${run.id}` and `${run.date}` within a text. Values are put in as they are; there is no expression language. */

/** What a text consists of: literal text, and references by name (`params.asOf`, `run.id`). */
export type Part = string | { reference: string };

export interface Template {
  parts: Part[];
  /** What is wrong with the text; the parts are then not to be used. */
  error?: string;
}

export const RUN_REFERENCES = ["run.id", "run.date"] as const;

/** Reads a text; `$${` stands for a literal `${`. */
export function readTemplate(text: string): Template {
  const parts: Part[] = [];
  let literal = "";
  let at = 0;
  while (at < text.length) {
    const dollar = text.indexOf("$", at);
    if (dollar < 0) break;
    literal += text.slice(at, dollar);
    if (text.startsWith("$${", dollar)) {
      literal += "${";
      at = dollar + 3;
    } else if (text.startsWith("${", dollar)) {
      const end = text.indexOf("}", dollar);
      if (end < 0) return { parts: [], error: '"${" without "}"; write $${ for a literal ${' };
      if (literal !== "") parts.push(literal);
      literal = "";
      parts.push({ reference: text.slice(dollar + 2, end) });
      at = end + 1;
    } else {
      literal += "$";
      at = dollar + 1;
    }
  }
  literal += text.slice(at);
  if (literal !== "") parts.push(literal);
  return { parts };
}

/** The parts with known values put in; neighbouring texts become one. What is not known stays a reference. Values are not read again. */
export function fill(parts: readonly Part[], values: (reference: string) => string | undefined): Part[] {
  const filled: Part[] = [];
  for (const part of parts) {
    const next = typeof part === "string" ? part : (values(part.reference) ?? part);
    const last = filled.at(-1);
    if (typeof next === "string" && typeof last === "string") filled[filled.length - 1] = last + next;
    else filled.push(next);
  }
  return filled;
}

/** Whether references are left. */
export function isOpen(parts: readonly Part[]): boolean {
  return parts.some((part) => typeof part !== "string");
}

/** Text of parts; what is left open reads as it was written. */
export function textOf(parts: readonly Part[]): string {
  return parts.map((part) => (typeof part === "string" ? part : `\${${part.reference}}`)).join("");
}
