/** What `describe` printed, without what differs from run to run: names with numbers and hashes, times, and lines of a log. */

const RULES: [RegExp, string][] = [
  [/s3a:\/\/\S+?\/classes\/[0-9a-f]+/g, "s3a://STORE"],
  [/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UUID"],
  [/^ +(?=\+\d)/gm, "  "],
  [/-[0-9a-f]{16}-(exec|conf-map|driver)/g, "-HASH-$1"],
  [/-[0-9a-f]{8}\b/g, "-HASH"],
  [/\b\d+%/g, "SHARE"],
  [/\bv-[0-9a-f]{12}\b/g, "v-VERSION"],
  [/sha256:[0-9a-f]{64}/g, "sha256:DIGEST"],
  [/\b\d+m(?= ago)|\b\d+m\d\ds\b|\b\d+(\.\d)?s\b(?! in phase)/g, "TIME"],
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?( ?UTC|Z)?/g, "MOMENT"],
  [/\b10\.\d+\.\d+\.\d+(:\d+)?/g, "ADDRESS"],
  // How far the operator has come when the driver's end is seen is chance; what it says beside a pod is no evidence.
  [/the operator says [A-Z_]+\n(?: +driver (?:container failed|pod not found).*\n)?/g, "the operator says STATE\n"],
  [/\b127\.0\.0\.1:\d+/g, "SERVER"],
  // Where in a file is nothing that a class is told by, and moves with every line above it.
  [/(File "[^"]+", line )\d+/g, "$1N"],
  [/app-\d{14}-\d{4}|spark-[0-9a-f]{32}/g, "SPARK-ID"],
  // How much is used and addresses are of different lengths, so that a long message is cut elsewhere.
  [/(used: ).*…$/gm, "$1…"],
  [/(ADDRESS.{80}).*…$/gm, "$1…"],
  [/(used: requests\.\w+=)[\w.]+/g, "$1SOME"],
  [/(allocatable|largest node has) [\d.]+( [KMG]iB)?/g, "$1 SOME"],
];

/** Lines that Spark's logger wrote, those of a stack that Java printed, and what job.py says of itself: how many there are is chance. */
const LOGGED =
  /^\s*(?:evidence\s+)?(?:\S+-exec-\d+: )?(?:\d\d\/\d\d\/\d\d \d\d:\d\d:\d\d (?:TRACE|DEBUG|INFO|WARN|ERROR)\b|at [\w.$/]+\(|behaviour: |second \d+$|\d+ MiB$)/;

/** Deterministic for equal behaviour. Columns that names and times have made wider are closed up. */
export function masked(text: string, run: string): string {
  const lines = text.split("\n").flatMap((line, at, all) => {
    if (!LOGGED.test(line)) return [line];
    return LOGGED.test(all[at - 1] ?? "") ? [] : [line.replace(/^(\s*(?:evidence\s+)?).*$/, "$1(lines of the log)")];
  });
  const named = lines.join("\n").replaceAll(run, run.replace(/-[0-9a-f]+-\d$/, "-RUN"));
  return RULES.reduce((so, [pattern, mask]) => so.replaceAll(pattern, mask), named).replaceAll(
    /(?<=\S) {2,}(?=\S)/g,
    "  ",
  );
}
