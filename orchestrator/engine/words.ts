/** Texts of others, short enough for a status. */
const LONGEST_LINE = 300;

/** A text on one line of at most 300 characters. */
export function oneLine(text: string): string {
  const line = text
    .slice(0, 4 * LONGEST_LINE)
    .replace(/\s+/g, " ")
    .trim();
  return line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE - 1)}…` : line;
}
