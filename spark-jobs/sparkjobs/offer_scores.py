"""How much each entity would like each offer: batch inference of category scores, then offers by what they list."""

import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkjobs.offer_formula import usual_share, worth
from sparkjobs.scorer import load_scorer, packed, unpacked

HISTORY_SCHEMA = (
    "entity string, days array<int>, hours array<int>, places array<string>, categories array<array<string>>"
)


class Inference:
    """A published scorer on every worker: `likings` runs it, `rows_per_s` says how fast the model alone was."""

    def __init__(self, spark: SparkSession, folder: Path, as_of: date):
        self.scorer = load_scorer(folder)
        self._as_of = as_of
        context = spark.sparkContext
        # The driver's disk is not the executors', and Spark takes no folder there.
        self._files = context.broadcast(packed(folder))
        self._rows = context.accumulator(0)
        self._seconds = context.accumulator(0.0)

    def likings(self, histories: DataFrame, categories: list[str], batch_rows: int) -> DataFrame:
        """entity, category, liking (see `liking` and `chosen`): one row per entity and each of `categories`.

        `histories`: HISTORY_SCHEMA; `batch_rows` of them go into one call of the model.
        """
        spark = histories.sparkSession
        spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", str(batch_rows))
        files, as_of, rows, seconds = self._files, self._as_of, self._rows, self._seconds

        def score(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
            scorer = load_scorer(unpacked(files.value))
            for batch in batches:
                started = time.perf_counter()
                scores = scorer.score(batch, as_of)
                seconds.add(time.perf_counter() - started)
                rows.add(len(batch))
                values = chosen(liking(scores), scorer.categories, categories)
                yield pd.DataFrame({"entity": batch["entity"], "likings": list(values)})

        scored = histories.mapInPandas(score, "entity string, likings array<double>")
        named = F.arrays_zip(F.lit(categories).alias("category"), F.col("likings").alias("liking"))
        return scored.select("entity", F.inline(named).alias("category", "liking"))

    @property
    def rows_per_s(self) -> float:
        """Entities per second of model time of one core; 0 before anything ran."""
        return self._rows.value / self._seconds.value if self._seconds.value > 0 else 0.0


def liking(scores: np.ndarray) -> np.ndarray:
    """1 / sqrt(place of the category for the entity), float64 in (0, 1], same shape as `scores` [entities, categories].

    Scorers promise an order only (one gives logits, another decayed counts), so places weigh the offer's categories;
    equal scores share the better place. The root is about how the chance to be in the next visit falls with the place.
    Raises ValueError for a score that is not finite.
    """
    if not np.isfinite(scores).all():
        raise ValueError("Cannot rank categories: some scores are not finite")
    return 1.0 / np.sqrt(pd.DataFrame(-scores).rank(axis=1, method="min").to_numpy())


def chosen(values: np.ndarray, known: list[str], wanted: list[str]) -> np.ndarray:
    """The likings of `wanted`, which stand after all `known` ones where unknown: float64 [entities, wanted]."""
    place = {category: index for index, category in enumerate(known)}
    picked = np.full((len(values), len(wanted)), 1.0 / np.sqrt(len(known) + 1))
    have = [index for index, category in enumerate(wanted) if category in place]
    picked[:, have] = values[:, [place[wanted[index]] for index in have]]
    return picked


def histories_of(entities: DataFrame, histories: DataFrame) -> DataFrame:
    """HISTORY_SCHEMA for every one of `entities`; one without any visit has empty arrays."""
    names = [part.split()[0] for part in HISTORY_SCHEMA.split(", ")]
    joined = entities.select("entity").join(histories, on="entity", how="left")
    empty = {name: F.coalesce(F.col(name), F.array().cast(histories.schema[name].dataType)) for name in names[1:]}
    return joined.select("entity", *(column.alias(name) for name, column in empty.items()))


def contents(items: DataFrame, offers: DataFrame) -> DataFrame:
    """campaign, coupon, category, share, main, items, listed_items: what the offers consist of.

    `share` is the category's part of the items that have a category; `main` marks the largest share and every one at
    least half as large.
    """
    of_offers = items.join(offers.select("campaign", "coupon"), on=["campaign", "coupon"], how="left_semi")
    counted = (
        of_offers.dropna(subset="category")
        .groupBy("campaign", "coupon", "category")
        .agg(F.count("*").alias("listed_items"))
    )
    totals = counted.groupBy("campaign", "coupon").agg(
        F.sum("listed_items").alias("items"), F.max("listed_items").alias("most")
    )
    joined = counted.join(totals, on=["campaign", "coupon"], how="inner")
    share = F.col("listed_items") / F.col("items")
    main = F.col("listed_items") * 2 >= F.col("most")
    return joined.select(
        "campaign", "coupon", "category", share.alias("share"), main.alias("main"), "items", "listed_items"
    )


def purchases(history: DataFrame, content: DataFrame) -> DataFrame:
    """entity, category, visits, last: on how many visits each entity bought each category, and the last day of it."""
    listed = content.select("category").distinct()
    lines = history.join(F.broadcast(listed), on="category", how="left_semi")
    return lines.groupBy("entity", "category").agg(
        F.countDistinct("visit").alias("visits"), F.max("date").alias("last")
    )


def listed_purchases(history: DataFrame, items: DataFrame, content: DataFrame) -> DataFrame:
    """entity, campaign, coupon, category, listed_visits: visits with an item that the offer lists."""
    of_content = items.join(content.select("campaign", "coupon", "category"), on=["campaign", "coupon", "category"])
    bought = history.select("entity", "visit", "item").join(F.broadcast(of_content), on="item", how="inner")
    return bought.groupBy("entity", "campaign", "coupon", "category").agg(
        F.countDistinct("visit").alias("listed_visits")
    )


def score_offers(
    pairs: DataFrame, content: DataFrame, likings: DataFrame, bought: DataFrame, listed: DataFrame
) -> DataFrame:
    """`pairs` with `score` (double) and what is known about the entity and the offer's main categories.

    The score is the sum of `offer_formula.worth` over the offer's categories: the entity's own visits with what is
    listed, then how much it likes the categories (`likings`) and how usual the listed items are in these.

    Adds category, visits, last, listed_visits, listed_items, items, liking of the main category bought last (of the
    largest one when none was bought).
    """
    offer, offer_category = ["campaign", "coupon"], ["campaign", "coupon", "category"]
    everyone = bought.groupBy("category").agg(F.sum("visits").alias("all_visits"))
    everyone_listed = listed.groupBy(*offer_category).agg(F.sum("listed_visits").alias("all_listed"))
    described = content.join(everyone, on="category", how="left").join(everyone_listed, on=offer_category, how="left")
    usual = usual_share(F.coalesce("all_listed", F.lit(0)), F.coalesce("all_visits", F.lit(0)))
    known = (
        pairs.join(F.broadcast(described.withColumn("usual", usual)), on=offer, how="inner")
        .join(likings.join(bought, on=["entity", "category"], how="left"), on=["entity", "category"], how="inner")
        .join(listed, on=["entity", *offer_category], how="left")
    )
    added = worth(F.col("share"), F.col("liking"), F.coalesce("listed_visits", F.lit(0)), F.col("usual"))
    # Sums of decimals do not depend on the order of their rows, sums of doubles do.
    part = added.cast("decimal(28,12)")
    facts = ["category", "visits", "last", "listed_visits", "listed_items", "items", "liking"]
    latest = F.struct("last", "listed_items", *(name for name in facts if name not in ("last", "listed_items")))
    keys = pairs.columns
    scored = known.groupBy(*keys).agg(
        F.sum(part).cast("double").alias("score"), F.max(F.when(F.col("main"), latest)).alias("fact")
    )
    return scored.select(*keys, "score", *(F.col(f"fact.{name}").alias(name) for name in facts))
