"""One evaluator for every scorer: recall@k of the next visit, by slice, with intervals over entities."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sparkjobs.counts import counts_before
from sparkjobs.sequences import Sequences
from sparkjobs.trips import Trips

BLOCK = 4096
SLICES = ("main", "all", "main repeat", "main new", "main trips")

# Scores of the given visits (ascending positions), each from what came before it: float32 [visits, categories].
ScoreVisits = Callable[[Sequences, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Interval:
    """A mean over visits with its bootstrap bounds."""

    value: float
    lower: float
    upper: float
    visits: int
    entities: int


def recalls(scores: np.ndarray, targets: np.ndarray, candidates: np.ndarray, k: int, missed: np.ndarray) -> np.ndarray:
    """Recall@k of each visit: hits among the k best candidates / min(k, targets); NaN for a visit without a target.

    `scores` [visits, categories]; `targets` and `candidates` bool of that shape: targets that are no candidates are
    left out. `missed` [visits]: further targets that no scorer can name (categories first seen after the fit).
    Equal scores are ranked by position, so by popularity.
    """
    wanted = targets & candidates
    ranked = np.where(candidates, scores, -np.inf)
    best = np.argsort(-ranked, axis=1, kind="stable")[:, :k]
    hits = np.take_along_axis(wanted, best, axis=1).sum(axis=1)
    sizes = np.minimum(k, wanted.sum(axis=1) + missed)
    with np.errstate(invalid="ignore"):
        return np.where(sizes > 0, hits / sizes, np.nan)


def evaluate(
    score: ScoreVisits,
    sequences: Sequences,
    visits: np.ndarray,
    k: int,
    excluded: np.ndarray,
    slices: tuple[str, ...] = SLICES,
    trips: Trips | None = None,
) -> dict[str, np.ndarray]:
    """Recall@k of `score` on `visits` for each slice: name -> float64 [visits], NaN where the slice has no target.

    "main" leaves out `excluded` (bool [categories]), "all" nothing; "repeat" keeps only categories the entity bought
    before that visit and "new" only the others, both as targets and as candidates. "trips", which needs `trips`,
    foretells all of a trip from what was known before its first visit, and nothing at its other visits.
    """
    result = {name: np.full(len(visits), np.nan) for name in slices}
    for first, end in sequences.blocks(BLOCK):
        low, high = np.searchsorted(visits, [sequences.starts[first], sequences.starts[end]])
        if low == high:
            continue
        part, local = sequences.part(first, end), visits[low:high] - sequences.starts[first]
        scores, targets = score(part, local), part.bags(local)
        unseen = np.diff(part.bag_starts)[local] - targets.sum(axis=1)
        bought = _bought_before(part, local) if any("repeat" in s or "new" in s for s in slices) else None
        for name in slices:
            wanted, candidates, missed = targets, np.ones(targets.shape, dtype=bool), unseen
            if name.startswith("main"):
                candidates &= ~excluded
            if name.endswith("repeat"):
                candidates, missed = candidates & bought, np.zeros_like(unseen)
            elif name.endswith("new"):
                candidates = candidates & ~bought
            elif name.endswith("trips"):
                whole = trips.whole.part(first, end)
                wanted = whole.bags(local)
                missed = np.diff(whole.bag_starts)[local] - wanted.sum(axis=1)
            found = recalls(scores, wanted, candidates, k, missed)
            result[name][low:high] = found
    return result


def _bought_before(sequences: Sequences, visits: np.ndarray) -> np.ndarray:
    return counts_before(sequences, visits, [np.inf])[0][:, :, 0] > 0


def interval(values: np.ndarray, owner: np.ndarray, replicates: int, confidence: float, seed: int) -> Interval:
    """Mean of `values` over visits (NaN left out) with percentile bounds, entities drawn with replacement.

    Visits of one entity are alike, so entities and not visits are drawn. For a paired comparison pass the difference
    of two scorers' recalls on the same visits.
    """
    known = ~np.isnan(values)
    entities, group = np.unique(owner[known], return_inverse=True)
    if len(entities) == 0:
        return Interval(float("nan"), float("nan"), float("nan"), 0, 0)
    sums = np.bincount(group, weights=values[known])
    sizes = np.bincount(group).astype(float)
    draws = np.random.default_rng(seed)
    means = np.empty(replicates)
    for replicate in range(replicates):
        drawn = draws.integers(0, len(entities), len(entities))
        means[replicate] = sums[drawn].sum() / sizes[drawn].sum()
    lower, upper = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(sums.sum() / sizes.sum()), float(lower), float(upper), int(known.sum()), len(entities))
