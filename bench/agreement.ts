/** Whether two runs of one pipeline, such as one on a laptop and one on a cluster, came to the same: pure, on what was read of each. */

export interface RunFacts {
  /** As it was named. */
  name: string;
  /** Step → digest of its specs, without what belongs to a target. */
  specs: Record<string, string>;
  /** Step → digest of the code it ran. */
  code: Record<string, string>;
  /** Dataset → version, of everything that the run wrote. */
  versions: Record<string, string>;
  /** `step/metric` → value. */
  metrics: Record<string, number>;
  /** Entity → segment; empty when the pipeline makes none. */
  segments: ReadonlyMap<string, string>;
  /** Entity → its offer of rank 1; empty when the pipeline makes none. */
  topOffers: ReadonlyMap<string, string>;
}

export interface Check {
  name: string;
  passed: boolean;
  says: string;
}

/** Bounds of DESIGN section 10. */
const LEAST_ARI = 0.99;
const LEAST_SAME_OFFER = 0.99;
const MOST_DIFFERENCE = 0.005;

/** Metrics that tell how fast a run was, or what its store held before. */
const NOT_COMPARED = /[/.](seconds(\.|$)|\w*per_s$|dates_carried_over$|test_period_opened_before$)/;

/** One check per thing that must agree. */
export function agreement(a: RunFacts, b: RunFacts): Check[] {
  return [
    ofDigests("spec hashes", a.specs, b.specs),
    ofDigests("code digests", a.code, b.code),
    ...(a.segments.size + b.segments.size === 0 ? [] : [ofSegments(a.segments, b.segments)]),
    ...(a.topOffers.size + b.topOffers.size === 0 ? [] : [ofOffers(a.topOffers, b.topOffers)]),
    ofMetrics(a.metrics, b.metrics),
  ];
}

/** Datasets whose bytes are the same in both runs: more than has to be. */
export function sameVersions(a: RunFacts, b: RunFacts): { same: string[]; different: string[] } {
  const names = namesOf(a.versions, b.versions);
  const isSame = (name: string) => a.versions[name] === b.versions[name];
  return { same: names.filter(isSame), different: names.filter((name) => !isSame(name)) };
}

function ofDigests(name: string, a: Record<string, string>, b: Record<string, string>): Check {
  const steps = namesOf(a, b);
  const different = steps.filter((step) => a[step] !== b[step]);
  const says = `${steps.length - different.length} of ${steps.length} steps equal${different.length === 0 ? "" : `, not ${different.join(", ")}`}`;
  return { name, passed: steps.length > 0 && different.length === 0, says };
}

function ofSegments(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): Check {
  const both = [...a.keys()].filter((entity) => b.has(entity));
  const labels = (of: ReadonlyMap<string, string>) => both.map((entity) => of.get(entity) ?? "");
  const ari = adjustedRand(labels(a), labels(b));
  const alone = a.size + b.size - 2 * both.length;
  return {
    name: "segments",
    passed: alone === 0 && ari >= LEAST_ARI,
    says: `ARI ${ari.toFixed(4)} on ${both.length} entities${alone === 0 ? "" : `, ${alone} are in one run only`} (at least ${LEAST_ARI})`,
  };
}

function ofOffers(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): Check {
  const entities = new Set([...a.keys(), ...b.keys()]);
  const same = [...entities].filter((entity) => a.has(entity) && a.get(entity) === b.get(entity)).length;
  const share = same / entities.size;
  return {
    name: "top offers",
    passed: share >= LEAST_SAME_OFFER,
    says: `${same} of ${entities.size} entities have the same (${(share * 100).toFixed(2)} %, at least ${LEAST_SAME_OFFER * 100} %)`,
  };
}

function ofMetrics(a: Record<string, number>, b: Record<string, number>): Check {
  const names = namesOf(a, b).filter((name) => !NOT_COMPARED.test(name));
  const apart = names
    .map((name) => ({ name, by: Math.abs((a[name] ?? Number.NaN) - (b[name] ?? Number.NaN)) }))
    .filter(({ by }) => !(by <= MOST_DIFFERENCE));
  const words = apart.map(({ name }) => `${name} ${a[name] ?? "none"} and ${b[name] ?? "none"}`);
  const says = `${names.length - apart.length} of ${names.length} within ${MOST_DIFFERENCE}${words.length === 0 ? "" : `, not ${words.join("; ")}`}`;
  return { name: "metrics", passed: names.length > 0 && apart.length === 0, says };
}

/** Agreement of two labellings of the same things: 1 the same but for names, about 0 by chance (Hubert and Arabie). NaN for none. */
export function adjustedRand(a: readonly string[], b: readonly string[]): number {
  const pairs = (counts: Iterable<number>) => [...counts].reduce((sum, n) => sum + (n * (n - 1)) / 2, 0);
  const together = pairs(counted(a.map((label, at) => JSON.stringify([label, b[at]]))).values());
  const [inA, inB] = [pairs(counted(a).values()), pairs(counted(b).values())];
  const expected = (inA * inB) / pairs([a.length]);
  const most = (inA + inB) / 2;
  return most === expected ? 1 : (together - expected) / (most - expected);
}

function counted(labels: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}

function namesOf(a: object, b: object): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].toSorted();
}
