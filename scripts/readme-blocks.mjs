/** The command blocks of a Markdown page, the output shown under each, and what of an output may differ between two runs. */

/**
 * @typedef {{ command: string, expected: string | undefined, from: number, to: number }} Block
 *   `expected` is the ```text block that follows the ```sh block, if any; `from` and `to` are the lines of its content (0-based, end excluded)
 */

/**
 * @param {string} page
 * @returns {Block[]} in the order of the page
 */
export function blocksOf(page) {
  const fences = [];
  let open;
  page.split("\n").forEach((line, at, lines) => {
    const fence = /^```(\w*)\s*$/.exec(line);
    if (!fence) return;
    if (open === undefined) open = { language: fence[1], from: at + 1 };
    else {
      fences.push({ ...open, to: at, text: lines.slice(open.from, at).join("\n") });
      open = undefined;
    }
  });
  return fences.flatMap((fence, at) => {
    if (fence.language !== "sh") return [];
    const next = fences[at + 1];
    const shown = next?.language === "text" ? next : undefined;
    return [{ command: fence.text, expected: shown?.text, from: shown?.from ?? 0, to: shown?.to ?? 0 }];
  });
}

/**
 * The page with other contents in its output blocks.
 * @param {string} page
 * @param {Map<Block, string>} outputs
 */
export function withOutputs(page, outputs) {
  const lines = page.split("\n");
  for (const [block, output] of [...outputs].toSorted(([a], [b]) => b.from - a.from)) {
    if (block.expected !== undefined) lines.splice(block.from, block.to - block.from, ...output.split("\n"));
  }
  return lines.join("\n");
}

/** What npm prints before the program speaks, and blank space at the ends, are no output. */
export function trimmed(output) {
  const lines = output.split("\n").map((line) => line.trimEnd());
  return lines
    .filter((line) => !/^> \S/.test(line))
    .join("\n")
    .trim();
}

const MASKS = [
  [/\b(\d+h ?)?(\d+m ?)?\d+(\.\d+)? ?(ms|s|m|h)\b/g, "[TIME]"],
  // A step's share of the whole time.
  [/\[TIME\] +\d+%/g, "[TIME] [SHARE]"],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, "[WHEN]"],
  [/\bv-[0-9a-f]+/g, "[VERSION]"],
  [/\b[0-9a-f]{8,64}\b/g, "[HASH]"],
  [/\b\d+(\.\d+)? (kB|MB|GB|KiB|MiB|GiB)\b/g, "[SIZE]"],
  [/\S*\/sparkwright-tour-\w+\/checkout\/?/g, "./"],
  [/-{3,}|─{2,}/g, "---"],
];

/**
 * What differs between an output shown and one produced. Times, hashes, versions, sizes and the width of columns may differ;
 * a number with a decimal point may differ by a tenth, as another processor adds up in another order.
 * @param {string} expected
 * @param {string} actual
 * @returns {string[]} lines beginning with - and +; empty when they agree
 */
export function differences(expected, actual) {
  const shown = maskedLines(expected);
  const seen = maskedLines(actual);
  const found = [];
  for (let at = 0; at < Math.max(shown.length, seen.length); at += 1) {
    if (alike(shown[at], seen[at])) continue;
    if (shown[at] !== undefined) found.push(`- ${shown[at]}`);
    if (seen[at] !== undefined) found.push(`+ ${seen[at]}`);
  }
  return found;
}

function maskedLines(text) {
  const masked = MASKS.reduce((rest, [pattern, name]) => rest.replaceAll(pattern, name), text);
  return masked.split("\n").map((line) => line.replaceAll(/\s+/g, " ").trim());
}

const DECIMAL = /^(\D*)(-?\d+\.\d+)(\D*)$/;

function alike(a, b) {
  if (a === undefined || b === undefined) return false;
  const left = a.split(" ");
  const right = b.split(" ");
  return left.length === right.length && left.every((word, at) => word === right[at] || near(word, right[at]));
}

function near(a, b) {
  const left = DECIMAL.exec(a);
  const right = DECIMAL.exec(b);
  if (!left || !right || left[1] !== right[1] || left[3] !== right[3]) return false;
  return Math.abs(left[2] - right[2]) <= Math.max(0.02, 0.1 * Math.abs(left[2]));
}
