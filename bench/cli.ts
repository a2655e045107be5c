/** How long the verbs take that touch no cluster, against the bare start of Node. */
import { median, type Figure } from "./figure.ts";
import { ROOT, sparkwright, timed } from "./program.ts";

const TIMES = 10;
const LIMIT_S = 0.3;

/** Medians of ten calls each, taken in turn so that a slow moment of the machine hits all alike. */
export function cli(): Figure[] {
  const calls: [string, () => number][] = [
    ["cli.node_start", () => timed(process.execPath, ["-e", "0"], ROOT).seconds],
    ["cli.help", () => sparkwright(["--help"]).seconds],
    ["cli.validate", () => sparkwright(["validate", "-f", "job-specs"]).seconds],
    ["cli.render", () => sparkwright(["render", "--target", "cluster", "-f", "job-specs"]).seconds],
  ];
  for (const [, call] of calls) call(); // the first call reads the disk
  const seconds = calls.map((): number[] => []);
  for (let round = 0; round < TIMES; round += 1) {
    for (const [at, [, call]] of calls.entries()) seconds[at]?.push(call());
  }
  return calls.map(([name], at) => ({
    name,
    value: median(seconds[at] ?? []),
    unit: "s",
    ...(name === "cli.node_start" ? {} : { bound: { atMost: LIMIT_S } }),
  }));
}
