/** @module A unified diff of two texts, as `diff -u` and `patch` know it. */

interface Line {
  sign: " " | "-" | "+";
  /** With its line break. */
  text: string;
}

const CONTEXT = 3;
/** Past so many changed lines the search costs more than its answer is worth: all that lies between is then shown as replaced. */
const MOST_CHANGES = 2000;

/** Empty when the texts are equal; `names` stand in its two first lines. */
export function unifiedDiff(a: string, b: string, names: { a: string; b: string }): string {
  const hunks = hunksOf(compared(linesOf(a), linesOf(b)));
  return hunks.length === 0 ? "" : [`--- ${names.a}\n`, `+++ ${names.b}\n`, ...hunks].join("");
}

function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** All lines of both texts; what they have in common once. */
function compared(a: string[], b: string[]): Line[] {
  const shorter = Math.min(a.length, b.length);
  let head = 0;
  while (head < shorter && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1;
  const same = (text: string): Line => ({ sign: " ", text });
  return [
    ...a.slice(0, head).map(same),
    ...shortest(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...a.slice(a.length - tail).map(same),
  ];
}

/** The fewest changes that make `b` of `a` (Myers 1986): how far each diagonal gets with so many changes, then the way back. */
function shortest(a: string[], b: string[]): Line[] {
  const most = Math.min(a.length + b.length, MOST_CHANGES);
  const reached = new Int32Array(2 * most + 3);
  const at = (diagonal: number) => diagonal + most + 1;
  const isDown = (row: Int32Array, diagonal: number, changes: number) =>
    diagonal === -changes || (diagonal !== changes && (row[at(diagonal - 1)] ?? 0) < (row[at(diagonal + 1)] ?? 0));
  const rows: Int32Array[] = [];
  for (let changes = 0; changes <= most; changes++) {
    rows.push(reached.slice());
    for (let diagonal = -changes; diagonal <= changes; diagonal += 2) {
      const down = isDown(reached, diagonal, changes);
      let x = down ? (reached[at(diagonal + 1)] ?? 0) : (reached[at(diagonal - 1)] ?? 0) + 1;
      while (x < a.length && x - diagonal < b.length && a[x] === b[x - diagonal]) x += 1;
      reached[at(diagonal)] = x;
      if (x >= a.length && x - diagonal >= b.length) return wayBack(a, b, rows, at, isDown);
    }
  }
  return [...a.map((text): Line => ({ sign: "-", text })), ...b.map((text): Line => ({ sign: "+", text }))];
}

function wayBack(
  a: string[],
  b: string[],
  rows: Int32Array[],
  at: (diagonal: number) => number,
  isDown: (row: Int32Array, diagonal: number, changes: number) => boolean,
): Line[] {
  const lines: Line[] = [];
  let [x, y] = [a.length, b.length];
  for (let changes = rows.length - 1; changes >= 0; changes--) {
    const row = rows[changes] ?? new Int32Array();
    const down = isDown(row, x - y, changes);
    const from = x - y + (down ? 1 : -1);
    const startX = changes === 0 ? 0 : (row[at(from)] ?? 0);
    const startY = changes === 0 ? 0 : startX - from;
    while (x > startX && y > startY) {
      x -= 1;
      y -= 1;
      lines.push({ sign: " ", text: a[x] ?? "" });
    }
    if (changes === 0) break;
    lines.push(down ? { sign: "+", text: b[startY] ?? "" } : { sign: "-", text: a[startX] ?? "" });
    [x, y] = [startX, startY];
  }
  return lines.toReversed();
}

/** Changed lines with what stands around them; hunks that would touch are one. */
function hunksOf(lines: Line[]): string[] {
  const changed = lines.flatMap(({ sign }, index) => (sign === " " ? [] : [index]));
  const ranges: [number, number][] = [];
  for (const index of changed) {
    const last = ranges.at(-1);
    if (last !== undefined && index - CONTEXT <= last[1]) last[1] = index + CONTEXT + 1;
    else ranges.push([Math.max(0, index - CONTEXT), index + CONTEXT + 1]);
  }
  return ranges.map(([start, end]) => {
    const before = lines.slice(0, start);
    const own = lines.slice(start, end);
    const range = (absent: Line["sign"]) => {
      const [first, length] = [before, own].map((some) => some.filter(({ sign }) => sign !== absent).length);
      return placeOf(first ?? 0, length ?? 0);
    };
    return `@@ -${range("+")} +${range("-")} @@\n${own.map(lineText).join("")}`;
  });
}

/** Lines are counted from 1; none at all is said by the line before. */
function placeOf(first: number, length: number): string {
  const start = length === 0 ? first : first + 1;
  return length === 1 ? String(start) : `${start},${length}`;
}

function lineText({ sign, text }: Line): string {
  return `${sign}${text}${text.endsWith("\n") ? "" : "\n\\ No newline at end of file\n"}`;
}
