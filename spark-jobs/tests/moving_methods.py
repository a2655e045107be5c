"""Who is said to have moved, by method, where it is known who did: `python tests/moving_methods.py` prints JSON."""

import json

import numpy as np
from moving_population import WINDOW, moving_population
from sklearn.cluster import KMeans

from sparkjobs.centroids import distances, lloyd
from sparkjobs.segment_ids import SegmentModel, carry_over, named, shared_members
from sparkjobs.segment_moves import assign

# Without 3, see test_where_a_segment_is_cut_in_two_hysteresis_is_not_enough.
SEEDS = (1, 2, 4, 5, 6)


def clustered(points: np.ndarray, seed: int, segments: int = 6) -> np.ndarray:
    """Centroids of a clustering from scratch, in no particular order."""
    return KMeans(segments, n_init=5, max_iter=20, random_state=seed).fit(points).cluster_centers_


def retrained(model: SegmentModel, centroids: np.ndarray, points: np.ndarray) -> SegmentModel:
    """The ids of `model` carried over to `centroids`."""
    last, now = (distances(points, each).argmin(axis=1) for each in (model.centroids, centroids))
    return carry_over(model, centroids, shared_members(last, now, len(model.ids), len(centroids)))


def judged(flagged: np.ndarray, moved: np.ndarray) -> tuple[float, float, float]:
    """Precision, recall, and the share of all that are flagged."""
    hits = (flagged & moved).sum()
    return hits / flagged.sum(), hits / moved.sum(), flagged.mean()


def compared(seed: int) -> dict[str, tuple[float, float, float]]:
    """Method -> (precision, recall, share) of those it says moved between two windows that do not overlap."""
    population = moving_population(seed)
    first, second = population.points(WINDOW), population.points(2 * WINDOW)
    model, fresh = named(clustered(first, seed)), clustered(second, seed + 100)
    held = weekly = assign(first, model).ids
    for end in range(WINDOW + 1, 2 * WINDOW + 1):
        weekly = assign(population.points(end), model, weekly).ids
    warm = retrained(model, lloyd(second, model.centroids).centroids, second)
    now = {
        "clustered again": assign(second, named(fresh)),
        "clustered again, ids matched": assign(second, retrained(model, fresh, second)),
        "warm start, ids matched": assign(second, warm),
        "frozen": assign(second, model),
        "warm start, ids matched, hysteresis": assign(second, warm, held),
        "frozen, hysteresis": assign(second, model, held),
    }
    found = {method: judged(each.ids != held, population.moved) for method, each in now.items()}
    return {**found, "frozen, hysteresis in each of 13 weeks": judged(weekly != held, population.moved)}


def main() -> None:
    found = {seed: compared(seed) for seed in SEEDS}
    rows = []
    for method in found[SEEDS[0]]:
        precision, recall, share = np.mean([of[method] for of in found.values()], axis=0)
        rows.append({"method": method, "precision": precision, "recall": recall, "share": share})
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
