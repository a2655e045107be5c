/** The known name a person most likely meant; for messages only, never to act upon. */

/** Nearest of `known` to `word`, or undefined when none is near: about a third of the letters may differ, case aside. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const asked = word.slice(0, LONGEST).toLowerCase();
  let best: string | undefined;
  let least = Math.floor((asked.length + 1) / 3) + 1;
  for (const name of known) {
    if (Math.abs(name.length - asked.length) >= least) continue;
    // Of two equally near ones the other letter is likelier than the missing one: executorz is executors, not executor.
    const cost = editDistance(asked, name.slice(0, LONGEST).toLowerCase()) + (name.length === asked.length ? 0 : 0.5);
    if (cost < least) [best, least] = [name, cost];
  }
  return best;
}

/** `; did you mean "x"?` for the nearest name; all names when they are few and none is near; else nothing. */
export function suggestion(word: string, known: Iterable<string>): string {
  const names = [...known];
  const near = nearest(word, names);
  if (near !== undefined) return `; did you mean "${near}"?`;
  if (names.length === 0 || names.length > FEW) return "";
  return `; known: ${names.map((name) => `"${name}"`).join(", ")}`;
}

const LONGEST = 64;
const FEW = 12;

/** Insertions, deletions, substitutions and swaps of neighbours that turn one word into the other. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(at(row, j) + 1, at(next, j - 1) + 1, at(row, j - 1) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, at(before, j - 2) + 1);
      next.push(least);
    }
    [before, row] = [row, next];
  }
  return at(row, b.length);
}

function at(row: number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
