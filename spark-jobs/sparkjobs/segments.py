"""K-means: which number of segments is fit for use, who belongs to which, and the model that says so."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from threadpoolctl import threadpool_limits

from sparkjobs.centroids import Fit, check_different, continued, lloyd, partial_sums
from sparkjobs.scaling import Scale
from sparkjobs.segment_ids import shared_members
from sparkjobs.segment_model import Model

# Numbers of segments are compared on at most this many entities: their agreement is known to about 0.01 by 20,000.
COMPARED = 100_000
# Silhouettes take the square of this many distances; they are known to about 0.003.
MEASURED = 10_000
STARTS = 3


@dataclass(frozen=True)
class Candidate:
    """One k: its best clustering over the seeds and what speaks against it, if anything."""

    k: int
    seed: int
    centroids: list[list[float]]
    smallest_share: float
    median_ari: float
    silhouette: float | None
    objections: list[str]


def candidates(
    points: DataFrame, settings: dict[str, Any], tell: Callable[[int], None], compared: int = COMPARED
) -> list[Candidate]:
    """Fits every k of the settings from every seed. `points` has entity and x (array<double>, scaled) and is cached.

    Fits are made in memory, on `compared` entities drawn by their names (all when there are fewer): the arithmetic of
    k-means takes a second where Spark's jobs for it take minutes. The best clustering of a k is that of lowest cost. It
    passes when each segment holds minShare and the seeds agree (median adjusted Rand index of all pairs); then its
    centroids settle on all points, where minShare must hold as well, and its silhouette is computed. `tell` hears each
    k before it is fitted.
    """
    drawn = points.orderBy(F.xxhash64("entity"), "entity").limit(compared).select("x").toArrow()
    sample = _array(drawn["x"].combine_chunks())
    distinct = len(np.unique(sample, axis=0))
    found = []
    # Threads add up in an order of their own, and a model must not depend on how many there are.
    with threadpool_limits(1):
        for k in range(settings["clusters"]["min"], settings["clusters"]["max"] + 1):
            tell(k)
            if distinct < k:
                found.append(Candidate(k, 0, [], 0.0, 0.0, None, [f"only {distinct} different rows"]))
            else:
                found.append(_candidate(points, sample, k, settings))
    return found


def _candidate(points: DataFrame, sample: np.ndarray, k: int, settings: dict[str, Any]) -> Candidate:
    seeds = [settings["seed"] + offset for offset in range(settings["stability"]["seeds"])]
    iterations, least = settings["maxIter"], settings["minShare"]
    fits = [KMeans(k, n_init=STARTS, max_iter=iterations, random_state=seed).fit(sample) for seed in seeds]
    pairs = combinations(fits, 2)
    median_ari = float(np.median([adjusted_rand_score(a.labels_, b.labels_) for a, b in pairs]))
    best = min(range(len(fits)), key=lambda index: (fits[index].inertia_, index))
    fit = lloyd(sample, fits[best].cluster_centers_, iterations)
    objections = []
    if fit.smallest < least:
        objections.append(f"smallest share {fit.smallest:.3f} < {least}")
    if median_ari < settings["stability"]["minMedianAri"]:
        objections.append(f"median ARI {median_ari:.2f} < {settings['stability']['minMedianAri']}")
    silhouette = None
    if not objections:
        fit = warm_start(points, fit.centroids, iterations)
        if fit.smallest < least:
            objections.append(f"smallest share of all {fit.smallest:.3f} < {least}")
        silhouette = _silhouette(sample, fit.centroids)
    return Candidate(k, seeds[best], fit.centroids.tolist(), fit.smallest, median_ari, silhouette, objections)


def _silhouette(sample: np.ndarray, centroids: np.ndarray) -> float:
    """Mean over the sample, of squared distances; to six digits, which do not depend on the processor."""
    labels = nearest(sample, centroids)
    if len(np.unique(labels)) == len(sample):
        return 0.0  # each is alone in its segment
    count = min(MEASURED, len(sample))
    found = silhouette_score(sample, labels, metric="sqeuclidean", sample_size=count, random_state=0)
    return round(float(found), 6)


def choose(found: list[Candidate]) -> Candidate | None:
    """The passing candidate of best silhouette, of the smaller k when equal; None when none passes."""
    passing = [candidate for candidate in found if not candidate.objections]
    return max(passing, key=lambda candidate: (candidate.silhouette or 0.0, -candidate.k), default=None)


def nearest(points: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """Index of the nearest centroid of each point: (n, d), (k, d) → (n,)."""
    distances = ((points[:, None, :] - centroids[None, :, :]) ** 2).sum(axis=2)
    return distances.argmin(axis=1)


def scaled(rows: DataFrame, entity: str, scales: list[Scale]) -> DataFrame:
    """entity, x: the features of each row in standard deviations, in the order of the scales."""
    return rows.select(F.col(f"`{entity}`").alias("entity"), F.array(*[scale.apply() for scale in scales]).alias("x"))


def warm_start(points: DataFrame, centroids: np.ndarray, iterations: int) -> Fit:
    """K-means continued from `centroids` [segments, features]; `points` has x (array<double>, scaled) and is cached.

    Raises InputError for fewer different rows than centroids.
    """
    check_different(points.select("x").distinct().limit(len(centroids)).count(), len(centroids))
    return continued(lambda at: _summed(points, at), centroids, iterations)


def _summed(points: DataFrame, centroids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The `partial_sums` of all `points`, which has x (array<double>, scaled)."""

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if len(batch):
                sums, sizes = partial_sums(_array(batch["x"]), centroids)
                yield pa.RecordBatch.from_pydict({"sums": [sums.ravel()], "sizes": [sizes]})

    parts = points.select("x").mapInArrow(work, "sums array<double>, sizes array<bigint>").collect()
    sums = np.sum([part["sums"] for part in parts], axis=0).reshape(centroids.shape)
    return sums, np.sum([part["sizes"] for part in parts], axis=0)


def _array(column: pa.ListArray) -> np.ndarray:
    """Lists of one length each as rows: float64 [n, features]."""
    return column.flatten().to_numpy().reshape(len(column), -1)


def shared(rows: DataFrame, entity: str, before: Model, scales: list[Scale], centroids: np.ndarray) -> np.ndarray:
    """How many of `rows` each segment of `before` and each of the new `centroids` share: int64 [segments, clusters]."""
    last, counts = before.segments.centroids, (len(before.segments.ids), len(centroids))
    both = scaled(rows, entity, scales).join(scaled(rows, entity, before.scales).withColumnRenamed("x", "y"), "entity")

    def work(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            if len(batch):
                new, old = (np.stack(list(batch[name])) for name in ("x", "y"))
                found = shared_members(nearest(old, last), nearest(new, centroids), *counts)
                yield pd.DataFrame({"counts": [found.ravel()]})

    parts = both.select("x", "y").mapInPandas(work, "counts array<bigint>").collect()
    return np.sum([part["counts"] for part in parts], axis=0).reshape(counts)


def ordered(centroids: list[list[float]]) -> list[list[float]]:
    """Centroids by the first feature, highest first: s1 has most of it. The other features break ties."""
    return sorted(centroids, reverse=True)
