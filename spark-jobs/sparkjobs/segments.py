"""K-means: which number of segments is fit for use, who belongs to which, and the model that says so."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from pyspark.ml.clustering import KMeans, KMeansModel
from pyspark.ml.evaluation import ClusteringEvaluator
from pyspark.ml.functions import array_to_vector
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkjobs.centroids import Fit, check_different, continued, partial_sums
from sparkjobs.scaling import Scale
from sparkjobs.segment_ids import shared_members
from sparkjobs.segment_model import Model

# Clusterings are compared on at most this many entities; the agreement of so many is known to about 0.01.
COMPARED = 20_000
CONCURRENT_FITS = 2


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


def candidates(points: DataFrame, settings: dict[str, Any], tell: Callable[[int], None]) -> list[Candidate]:
    """Fits every k of the settings from every seed. `points` has entity and x (array<double>, scaled) and is cached.

    The best clustering of a k is that of lowest cost. It passes when each segment holds minShare and the seeds agree
    (median adjusted Rand index of all pairs); only then is its silhouette computed. `tell` hears each k before it is
    fitted.
    """
    vectors = points.select(array_to_vector("x").alias("features")).cache()
    compared = np.array([row["x"] for row in points.orderBy(F.xxhash64("entity"), "entity").limit(COMPARED).collect()])
    distinct = points.select("x").distinct().limit(settings["clusters"]["max"]).count()
    found = []
    try:
        for k in range(settings["clusters"]["min"], settings["clusters"]["max"] + 1):
            tell(k)
            if distinct < k:
                found.append(Candidate(k, 0, [], 0.0, 0.0, None, [f"only {distinct} different rows"]))
            else:
                found.append(_candidate(vectors, compared, k, settings))
    finally:
        vectors.unpersist()
    return found


def _candidate(vectors: DataFrame, compared: np.ndarray, k: int, settings: dict[str, Any]) -> Candidate:
    seeds = [settings["seed"] + offset for offset in range(settings["stability"]["seeds"])]

    def fit(seed: int) -> KMeansModel:
        return KMeans(k=k, seed=seed, maxIter=settings["maxIter"], featuresCol="features").fit(vectors)

    # A fit on few rows is mostly waiting for small Spark jobs, so two go at a time.
    with ThreadPoolExecutor(max_workers=CONCURRENT_FITS) as pool:
        models = list(pool.map(fit, seeds))
    labels = [nearest(compared, np.array(model.clusterCenters())) for model in models]
    median_ari = float(np.median([adjusted_rand(a, b) for a, b in combinations(labels, 2)]))
    best = min(range(len(models)), key=lambda index: (models[index].summary.trainingCost, index))
    sizes = models[best].summary.clusterSizes
    smallest = min(sizes) / sum(sizes) if len(sizes) == k else 0.0
    objections = []
    if smallest < settings["minShare"]:
        objections.append(f"smallest share {smallest:.3f} < {settings['minShare']}")
    if median_ari < settings["stability"]["minMedianAri"]:
        objections.append(f"median ARI {median_ari:.2f} < {settings['stability']['minMedianAri']}")
    silhouette = None
    if not objections:
        silhouette = float(ClusteringEvaluator().evaluate(models[best].transform(vectors)))
    centroids = [[float(value) for value in center] for center in models[best].clusterCenters()]
    return Candidate(k, seeds[best], centroids, smallest, median_ari, silhouette, objections)


def choose(found: list[Candidate]) -> Candidate | None:
    """The passing candidate of best silhouette, of the smaller k when equal; None when none passes."""
    passing = [candidate for candidate in found if not candidate.objections]
    return max(passing, key=lambda candidate: (candidate.silhouette or 0.0, -candidate.k), default=None)


def nearest(points: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """Index of the nearest centroid of each point: (n, d), (k, d) → (n,)."""
    distances = ((points[:, None, :] - centroids[None, :, :]) ** 2).sum(axis=2)
    return distances.argmin(axis=1)


def adjusted_rand(first: np.ndarray, second: np.ndarray) -> float:
    """Agreement of two labelings of the same points: 1 the same but for names, about 0 by chance (Hubert, Arabie)."""
    table = np.zeros((first.max() + 1, second.max() + 1))
    np.add.at(table, (first, second), 1)
    together = _pairs(table).sum()
    in_first, in_second = _pairs(table.sum(axis=1)).sum(), _pairs(table.sum(axis=0)).sum()
    expected = in_first * in_second / max(_pairs(np.array(float(len(first)))), 1.0)
    largest = (in_first + in_second) / 2
    return 1.0 if largest == expected else float((together - expected) / (largest - expected))


def _pairs(counts: np.ndarray) -> np.ndarray:
    return counts * (counts - 1) / 2


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
    def work(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            if len(batch):
                sums, sizes = partial_sums(np.stack(list(batch["x"])), centroids)
                yield pd.DataFrame({"sums": [sums.ravel()], "sizes": [sizes]})

    parts = points.select("x").mapInPandas(work, "sums array<double>, sizes array<bigint>").collect()
    sums = np.sum([part["sums"] for part in parts], axis=0).reshape(centroids.shape)
    return sums, np.sum([part["sizes"] for part in parts], axis=0)


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
