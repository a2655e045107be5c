/** A plan of faults: a small pipeline with what happens to its drivers, to our requests and to our process. All of it follows from a seed. */
import { chanceOf, type Chance } from "./chance.ts";
import { type Attempt, type Conduct, type Deed, mayMeet, type Step, type Tale } from "./tale.ts";

/** What may happen to a request on its way. */
export const MISHAPS = [
  "409",
  "410",
  "429",
  "500",
  "504",
  /** The connection breaks before the server has seen the request. */
  "reset",
  /** Nothing ever comes back. */
  "half-open",
  /** Half of the answer, then the connection breaks; of a watch, in the middle of a line. */
  "cut",
  /** A list as it was a while ago. */
  "old list",
  /** The server has done as asked; its answer is lost. */
  "answer lost",
] as const;
export type Mishap = (typeof MISHAPS)[number];

export interface FaultPlan {
  seed: number;
  tale: Tale;
  /** Probability of a mishap for each request, and how many there are at most. */
  mishaps: { kinds: readonly Mishap[]; probability: number; most: number };
  /** The answer to this write (from 1) is lost after it was applied; 0 for none. */
  loses: number;
  /** Our process is killed: after this many writes to the store, or as soon as this many writes to the cluster are applied. In turn. */
  kills: { after: "store" | "cluster"; writes: number; pauseMs: number }[];
  /** How far our clock is off, in ms. */
  skewMs: number;
  /** When somebody asks for its end, in ms from its begin. */
  cancelMs?: number;
}

const DEEDS: readonly Deed[] = [
  "fails",
  "starves",
  "forgets",
  "is cut",
  "is evicted",
  "vanishes",
  "fails",
  "rejects",
  "has no image",
];
const GOOD: readonly Deed[] = ["succeeds", "succeeds", "succeeds", "succeeds unseen"];
const CONDUCTS: readonly Conduct[] = [
  "plain",
  "plain",
  "late",
  "tardy",
  "mute",
  "stuck",
  "claims FAILED",
  "claims COMPLETED",
  "resubmits",
  "cleans up",
  "ignores",
  "refuses",
  "lacks quota",
];

export function faultPlan(seed: number): FaultPlan {
  const chance = chanceOf(seed);
  const isCancelled = chance.happens(0.08);
  const steps = stepsOf(chance);
  const isQuiet = chance.happens(0.15);
  const kills = chance.happens(0.35) ? Array.from({ length: chance.integer(1, 2) }, () => killOf(chance)) : [];
  return {
    seed,
    tale: { run: `plan-${seed}`, steps, isCancelled },
    mishaps: {
      kinds: isQuiet ? [] : MISHAPS.filter(() => chance.happens(0.6)),
      probability: isQuiet ? 0 : chance.one([0.03, 0.08, 0.2]),
      most: chance.integer(3, 15),
    },
    loses: chance.happens(0.5) ? chance.integer(1, 3 * steps.length) : 0,
    kills,
    skewMs: chance.one([0, 0, -3_600_000, 7_200_000, 86_400_000]),
    ...(isCancelled && { cancelMs: chance.integer(100, 2500) }),
  };
}

/** Two steps that succeed, and one thing that happens: `answer lost` or a kill after the n-th write. For going through all of them. */
export function singleFault(kind: "loses" | "store" | "cluster", writes: number): FaultPlan {
  const attempts: Attempt[] = [{ deed: "succeeds", conduct: "plain" }];
  const steps = [
    { name: "first", needs: [], attempts: [{ deed: "fails", conduct: "plain" }, ...attempts] as Attempt[] },
    { name: "second", needs: ["first"], attempts },
  ];
  return {
    seed: 0,
    tale: { run: `${kind}-${writes}`, steps, isCancelled: false },
    mishaps: { kinds: [], probability: 0, most: 0 },
    loses: kind === "loses" ? writes : 0,
    kills: kind === "loses" ? [] : [{ after: kind, writes, pauseMs: 0 }],
    skewMs: 0,
  };
}

/** Each deed under each conduct that it can meet, alone and undisturbed: what must come out of it is known. */
export function eachTale(): FaultPlan[] {
  const pairs = [...new Set([...DEEDS, ...GOOD])].flatMap((deed) =>
    [...new Set(CONDUCTS)].filter((conduct) => mayMeet(deed, conduct)).map((conduct) => ({ deed, conduct })),
  );
  return pairs.map((attempt, at) => {
    const attempts: Attempt[] = [attempt, { deed: "succeeds", conduct: "plain" }];
    return {
      seed: 0,
      tale: { run: `tale-${at + 1}`, steps: [{ name: "only", needs: [], attempts }], isCancelled: false },
      mishaps: { kinds: [], probability: 0, most: 0 },
      loses: 0,
      kills: [],
      skewMs: 0,
    };
  });
}

function stepsOf(chance: Chance): Step[] {
  const names = ["first", "second", "third", "fourth"].slice(0, chance.integer(1, 4));
  return names.map((name, at) => ({
    name,
    needs: names.slice(0, at).filter(() => chance.happens(0.5)),
    attempts: attemptsOf(chance),
  }));
}

function attemptsOf(chance: Chance): Attempt[] {
  const bad = Array.from({ length: chance.one([0, 0, 0, 1, 1, 2]) }, () => attemptOf(chance, DEEDS));
  const last = attemptOf(chance, chance.happens(0.9) ? GOOD : DEEDS);
  return [...bad, last];
}

function attemptOf(chance: Chance, deeds: readonly Deed[]): Attempt {
  const deed = chance.one(deeds);
  return { deed, conduct: chance.one(CONDUCTS.filter((conduct) => mayMeet(deed, conduct))) };
}

function killOf(chance: Chance): FaultPlan["kills"][number] {
  const after = chance.one(["store", "cluster"] as const);
  const writes = after === "store" ? chance.integer(1, 60) : chance.integer(1, 6);
  return { after, writes, pauseMs: chance.one([0, 200, 1500]) };
}
