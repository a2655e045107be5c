"""Centroids in memory: distances to them, and a warm start, that is k-means continued from the centroids of before."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from sparkjobs.failure import InputError

ITERATIONS = 20
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Fit:
    """Where the centroids came to lie and how many points are nearest to each; a segment that lost all has size 0."""

    centroids: np.ndarray  # float64 [segments, features]
    sizes: np.ndarray  # int64 [segments]
    iterations: int
    converged: bool

    @property
    def smallest(self) -> float:
        """Share of the smallest segment."""
        return float(self.sizes.min() / self.sizes.sum())


def distances(points: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """Euclidean, [n, features] and [segments, features] -> [n, segments].

    Raises InputError for a feature that is NaN or infinite: NaN would silently count as nearest to the first centroid.
    """
    if points.ndim != 2 or centroids.ndim != 2 or points.shape[1] != centroids.shape[1]:
        message = f"Cannot measure: points are {list(points.shape)}, centroids {list(centroids.shape)}"
        raise InputError(message, "Give the features of the model, all of them and in its order")
    if not len(centroids) or not np.isfinite(centroids).all():
        raise InputError("Cannot measure: the model has no centroids, or one that is not finite", "Retrain the model")
    broken = (~np.isfinite(points)).sum(axis=0)
    if broken.any():
        feature = int(broken.argmax())
        message = f"Cannot measure: features[{feature}] is not finite in {broken[feature]} of {len(points)} rows"
        raise InputError(message, "Fill it as the model's scales say before measuring")
    return cdist(points, centroids)


def partial_sums(points: np.ndarray, centroids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum [segments, features] and number [segments] of the points nearest to each centroid; those of parts add up."""
    labels = distances(points, centroids).argmin(axis=1)
    sums = np.zeros_like(centroids)
    np.add.at(sums, labels, points)
    return sums, np.bincount(labels, minlength=len(centroids))


def lloyd(points: np.ndarray, centroids: np.ndarray, iterations: int = ITERATIONS, tolerance: float = TOLERANCE) -> Fit:
    """`continued` on `points` [n, features] in memory.

    Raises InputError for fewer different rows than centroids and for features that are not finite.
    """
    check_different(len(np.unique(points, axis=0)), len(centroids))
    return continued(lambda at: partial_sums(points, at), centroids, iterations, tolerance)


def continued(
    sums_at: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    centroids: np.ndarray,
    iterations: int = ITERATIONS,
    tolerance: float = TOLERANCE,
) -> Fit:
    """K-means from the given `centroids` [segments, features] (Lloyd 1982); `sums_at` gives the `partial_sums` of all.

    `pyspark.ml` has no initial model, so a retraining that is to stay near the last model runs here. It ends when no
    centroid moves further than `tolerance`, or after `iterations`. A segment that lost all members keeps its place, and
    its size of 0 is for the caller to judge. Constant features do no harm: they are as far from one centroid as from
    another.
    """
    at, step, moved = np.array(centroids, dtype=np.float64), 0, np.inf
    while step < iterations and moved > tolerance:
        sums, sizes = sums_at(at)
        means = np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], at)
        moved = float(np.linalg.norm(means - at, axis=1).max())
        at, step = means, step + 1
    return Fit(at, sums_at(at)[1], step, moved <= tolerance)


def check_different(rows: int, segments: int) -> None:
    """Raises InputError when there are fewer different rows than segments."""
    if rows < segments:
        message = f"Cannot cluster: only {rows} different rows for {segments} segments"
        raise InputError(message, "Ask for fewer segments, or look at what the feature job makes of the data")
