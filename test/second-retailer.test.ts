/**
 * A retailer that the jobs have never seen (semicolon CSV, text ids, another zone, nulls, no targeting) runs through everything on real
 * Spark, with specs only: models beside each other and a sweep, offers and how well they rank, segments from one week to the next; then what
 * a change of the specs or of the day runs again.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { ensureBuilt, makePlace, run, type Place } from "./program.ts";
import { makeSecondRetailer, published, python, type Row } from "./second-retailer/place.ts";

beforeAll(ensureBuilt, 60_000);

interface Run {
  status: { steps: { name: string; phase: string }[] };
}

const SWEEP = ["train-sweep-1-1", "train-sweep-1-2", "train-sweep-leaderboard"];
const OFFERS = ["offers", "offer-checks", "offer-ranking", "offer-simulation"];
const STEPS = ["features", "segments", ...SWEEP, "train", ...OFFERS];
const LOOKED_AT = [
  "train-sweep-leaderboard",
  "train-sweep-winner",
  "evaluation",
  "offer-evaluation",
  "offer-simulation",
  "segment-history",
  "customer-offers",
] as const;
const RANKERS = [
  "liking of the categories",
  "offer score",
  "offer score + words",
  "own purchases of what is listed",
  "popularity of what is listed",
  "random",
  "redemptions of the coupon",
  "words of what was bought",
];
const COMPARED = ["--param", "compare=true"];
const NEXT_WEEK = ["--param", "asOf=2023-12-02", "--param"];

type Week = Record<"segment-history" | "segment-moves", Row[]>;

interface Diff {
  columns: unknown[];
  profile: { column: string }[];
}

test("runs whole, then only what a change concerns", { timeout: 1_800_000 }, async () => {
  const place = makePlace("drogerie");
  await makeSecondRetailer(place.folder);

  expect(await steps(place)).toEqual(all("Succeeded"));
  const made = await published(place.folder, ...LOOKED_AT);
  expectSweep(made["train-sweep-leaderboard"], made["train-sweep-winner"]);
  expectModels(made.evaluation);
  expectRankings(made["offer-evaluation"], made["offer-simulation"]);
  await expectTold(place, made);
  expect(await steps(place), "an unchanged second run").toEqual(all("Cached"));

  edit(place, "offers.yaml", "maxFallbackShare: ", (line) => line.replace("0.1", "0.2"));
  // The offers come out the same, so what reads them need not run either.
  expect(await steps(place), "changed rules").toEqual({ ...all("Cached"), offers: "Succeeded" });

  const nextWeek = [...NEXT_WEEK, "segmentation=assign"];
  const ofTheDay = { features: "Succeeded", segments: "Succeeded" };
  expect(await steps(place, [...nextWeek, "--only", "features,segments"]), "the next week").toEqual(ofTheDay);
  // The lines came out the same, so nothing that learns from them would run again.
  const planned = await says(place, "plan", "offers", "-f", "specs", ...COMPARED, ...nextWeek);
  const wouldRun = [...planned.matchAll(/^(\S+) +\S+ +run /gm)].map(([, step]) => step);
  expect(wouldRun, planned).toEqual(OFFERS.slice(0, 2));
  const assigned = await published(place.folder, "segment-history", "segment-moves");
  expectNextWeek(made["segment-history"], assigned);
  await expectCompared(place);

  const again = await steps(place, [...NEXT_WEEK, "segmentation=retrain", "--only", "segments"]);
  expect(again, "the same day with the model trained further").toEqual({ segments: "Succeeded" });
  expectRetrained(assigned, await published(place.folder, "segment-history", "segment-moves"));
  await expectStepByHand(place);
});

/** The models are small and hardly trained, but each has learnt what sells often. */
function expectModels(evaluation: Row[]): void {
  const rows = evaluation.filter((row) => row["slice"] === "main" && row["context"] === "unknown");
  const found = byName(
    rows.filter((row) => row["metric"] === "recall@10"),
    "scorer",
  );
  for (const model of ["txt", "gru", "gru-latent-cross", "logistic"])
    expect(found[model]?.["lower"], model).toBeGreaterThan(Number(found["popularity"]?.["upper"]));
  const rivals = rows.filter((row) => row["scorer"] === "txt").map((row) => row["metric"]);
  expect(rivals).toEqual(expect.arrayContaining(["gru", "gru-latent-cross"].map((of) => `recall@10 gain over ${of}`)));
}

function expectSweep(board: Row[], [winner]: Row[]): void {
  expect(board.map(({ place, rung, failed }) => [place, rung, failed])).toEqual([1, 2].map((at) => [at, 1, null]));
  expect(new Set(board.map((row) => row["parameters"]))).toEqual(new Set(['{"dim":16}', '{"dim":32}']));
  expect(board[0]?.["value"]).toBeGreaterThanOrEqual(Number(board[1]?.["value"]));
  expect(winner).toEqual({ parameters: board[0]?.["parameters"] });
}

/** Who redeems likes the group of a coupon, so what goes by purchases is above chance and above what everybody buys. */
function expectRankings(evaluation: Row[], simulation: Row[]): void {
  const found = byName(
    evaluation.filter((row) => row["metric"] === "recall@5" && row["campaigns"] === "all" && row["offers"] === "all"),
    "ranker",
  );
  expect(Object.keys(found).toSorted()).toEqual(RANKERS);
  for (const ranker of RANKERS) expect(found[ranker]?.["rankings"], ranker).toBe(found["random"]?.["rankings"]);
  expect(found["random"]?.["rankings"]).toBeGreaterThan(300);
  const popular = Number(found["popularity of what is listed"]?.["upper"]);
  expect(popular).toBeLessThan(0.5);
  for (const ranker of ["offer score", "liking of the categories", "own purchases of what is listed"])
    expect(found[ranker]?.["lower"], ranker).toBeGreaterThan(popular);
  expect(simulation).toHaveLength(5 * 2 * 2);
  const mean = (policy: string): number =>
    simulation.filter((row) => row["policy"] === policy).reduce((sum, row) => sum + Number(row["response"]), 0) / 4;
  expect(mean("the truth")).toBeGreaterThan(mean("offer score"));
  expect(mean("offer score")).toBeGreaterThan(mean("random"));
}

/** What the verbs answer about the first run. */
async function expectTold(place: Place, made: Record<(typeof LOOKED_AT)[number], Row[]>): Promise<void> {
  const { dim } = JSON.parse(String(made["train-sweep-winner"][0]?.["parameters"])) as { dim: number };
  const trained = await says(place, "describe", "offers-1", "train");
  expect(trained).toContain(`hyper-parameters of the sweep's winner: dim ${dim}`);
  expect(trained).toMatch(/gate: txt (passes|is refused): recall@10 over/);
  const ranked = await says(place, "describe", "offers-1", "offer-ranking");
  expect(ranked).toContain("No table of targets: everyone with a visit before 2023-10-01 is in each campaign");
  expect(ranked).not.toContain("Selection flatters");
  const features = await says(place, "describe", "offers-1", "features");
  expect(features).toMatch(/unique entity +no copies +no copies +passes\n +rows +316 +from 200 +passes/);

  const offer = made["customer-offers"].find((row) => row["rank"] === 1);
  const [entity, segment, campaign, coupon] = ["entity", "segment", "campaign", "coupon"].map((of) =>
    String(offer?.[of]),
  );
  const why = await says(place, "explain", `entity/${entity}`);
  expect(why).toMatch(new RegExp(`^Segment +${segment}$`, "m"));
  expect(why).toMatch(new RegExp(`^ +1 .* ${campaign} +${coupon} .*for everyone until`, "m"));
  expect(why).toMatch(/the campaign does not run on the day +everyone/);

  expect(await says(place, "report", "offers-1")).toBe("offers-1.html\n");
  const page = readFileSync(join(place.folder, "offers-1.html"), "utf8");
  for (const told of ["gru-latent-cross", "Leaderboard", "Checks of customer-features", campaign])
    expect(page).toContain(told);
}

/** A day more in the history; the rows of the first are as they were, and the model did not move. */
function expectNextWeek(before: Row[], { "segment-history": history, "segment-moves": moves }: Week): void {
  const of = (day: string): Row[] => history.filter((row) => String(row["as_of"]).startsWith(day));
  expect(of("2023-11-25")).toEqual(before);
  expect(of("2023-12-02")).toHaveLength(history.length - before.length);
  expect(new Set(history.map((row) => row["model"])).size).toBe(1);
  const causes = new Set(moves.map((row) => row["cause"]));
  expect(causes).toContain("stayed");
  expect([...causes].filter((cause) => !["stayed", "behaviour", "new", "lost"].includes(String(cause)))).toEqual([]);
  for (const row of moves)
    if (row["cause"] === "behaviour") expect(row["origin"]).not.toBe(row["target"]);
    else if (row["cause"] === "stayed") expect(row["origin"]).toBe(row["target"]);
}

/** What differs between the weeks. */
async function expectCompared(place: Place): Promise<void> {
  const compared = await says(place, "runs", "compare", "offers-1", "offers-4");
  expect(compared).toMatch(/^ +asOf +2023-11-25 +2023-12-02$/m);
  expect(compared).toMatch(/^ +segmentation +fit +assign$/m);
  expect(compared).toMatch(/^ +visit-lines +features +yes /m);
  expect(compared).toMatch(/^ +customer-features +features +no /m);
  expect(await says(place, "dataset", "show", "segments@current")).toMatch(/^segment +string +0 +3 +s1 +s3$/m);
  const diff = JSON.parse(await says(place, "dataset", "diff", "segments", "-o", "json")) as Diff;
  expect(diff.columns).toEqual([]);
  expect(diff.profile.map(({ column }) => column)).toContain("distance");
}

/** The day's rows are those of the model trained further; those of the first day stay. */
function expectRetrained(before: Week, { "segment-history": history, "segment-moves": moves }: Week): void {
  const first = (rows: Row[]): Row[] => rows.filter((row) => String(row["as_of"]).startsWith("2023-11-25"));
  expect(first(history)).toEqual(first(before["segment-history"]));
  expect(history).toHaveLength(before["segment-history"].length);
  expect(new Set(history.map((row) => row["model"])).size).toBe(2);
  expect(moves.map((row) => row["cause"])).toContain("stayed");
  expect(new Set(history.map((row) => row["segment"]))).toEqual(new Set(["s1", "s2", "s3"]));
}

/** docs/notebook.md: the features of the first run with a window of another length; nothing in the store changes. */
async function expectStepByHand(place: Place): Promise<void> {
  const program = `
from sparkjobs import feature_job, notebook
job = notebook.step("offers-1", "features")
job.settings["windows"] = [7]
feature_job.main(job)
print(job.written("features").selectExpr("count(*)", "sum(visits_7d) > 0").first())
`;
  expect(await python(place.folder, program)).toMatch(/^Row\(count\(1\)=316, .*=True\)$/m);
}

function byName(rows: Row[], column: string): Record<string, Row> {
  return Object.fromEntries(rows.map((row) => [String(row[column]), row]));
}

function all(phase: string): Record<string, string> {
  return Object.fromEntries(STEPS.map((step) => [step, phase]));
}

/** Runs the pipeline to its end; phase by step. */
async function steps(place: Place, words: string[] = []): Promise<Record<string, string>> {
  const said = await says(place, "run", "offers", "-f", "specs", "-o", "json", ...COMPARED, ...words);
  const { status } = JSON.parse(said) as Run;
  return Object.fromEntries(status.steps.map(({ name, phase }) => [name, phase]));
}

/** What `sparkwright WORDS` prints, which must succeed. */
async function says(place: Place, ...words: string[]): Promise<string> {
  const ended = await run(place, words);
  expect(ended.code, `${words.join(" ")}\n${ended.stdout}\n${ended.stderr}`).toBe(0);
  return ended.stdout;
}

/** Changes the one line that holds the words. */
function edit(place: Place, file: string, words: string, change: (line: string) => string): void {
  const path = join(place.folder, "specs", file);
  const lines = readFileSync(path, "utf8").split("\n");
  const found = lines.filter((line) => line.includes(words));
  expect(found, `${words} in ${file}`).toHaveLength(1);
  writeFileSync(path, lines.map((line) => (line.includes(words) ? change(line) : line)).join("\n"));
}
