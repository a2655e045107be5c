"""Segments over time: who is where as of a day, who moved since the last and why. Rows of other days stay untouched."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkjobs import tables
from sparkjobs.failure import InputError
from sparkjobs.job import Job
from sparkjobs.segment_model import Model
from sparkjobs.segment_moves import Moves, Population, matrix_order, moves, refitted
from sparkjobs.unchanged import as_written, same_shape

PARTITION = "as_of"


@dataclass(frozen=True)
class Last:
    """The rows of the latest day before this one: entity, held (a segment), before (array<double>, scaled)."""

    rows: DataFrame
    as_of: str
    model: str


def last(job: Job) -> Last | None:
    """What the published history says of the latest day before `asOf`; None without history or on a sample.

    Raises InputError when the published history has other columns, as its rows could not be kept.
    """
    previous = None if job.sample else job.previous("history")
    if previous is None or not previous["files"]:
        return None
    if not same_shape(job.document["outputs"]["history"], previous):
        raise InputError(
            f"Cannot append to {previous['dataset']}: version {previous['version']} has other columns or partitions",
            "Give the dataset its former columns, or name another one in outputs.history to begin anew",
        )
    as_of = job.settings["asOf"]
    days = sorted({file["partition"][PARTITION] for file in previous["files"]})
    if days[-1] > as_of:
        job.note(f"the history reaches {days[-1]} already; the rows of days after {as_of} stay as they are")
    earlier = [day for day in days if day < as_of]
    if not earlier:
        return None
    rows = tables.read(job.spark, previous, lambda partition: partition[PARTITION] == earlier[-1])
    held = rows.select("entity", F.col("segment").alias("held"), F.col("x").alias("before"), "model").cache()
    models = [row["model"] for row in held.select("model").distinct().limit(2).collect()]
    return Last(held.drop("model"), earlier[-1], models[0] if len(models) == 1 else "")


def follow(points: DataFrame, since: Last | None, previous: Model | None, current: Model, closer: float) -> DataFrame:
    """entity, origin, segment, cause, distance, second_distance: one row per entity of now or then.

    `points` has entity and x (array<double>, in the scales of `current`). Where the rows of then were made with
    `previous`, and `current` has the same scales, moves and their causes are those of `segment_moves.moves`. Otherwise,
    as after a fit, everybody goes to the nearest centroid, and whoever thereby comes to another id is "refitted".
    """
    width = current.segments.centroids.shape[1]
    comparable = (
        since is not None
        and previous is not None
        and since.model == previous.digest
        and previous.scales == current.scales
    )
    if since is None:
        columns = [F.lit(None).cast("string").alias("held"), F.lit(None).cast("array<double>").alias("before")]
        joined = points.select("entity", "x", *columns)
    else:
        then = since.rows.withColumn("entity", F.col("entity").cast(points.schema["entity"].dataType))
        joined = points.select("entity", "x").join(then, "entity", "full_outer")

    def told(batch: pd.DataFrame) -> Moves:
        here, there = batch["x"].notna().to_numpy(), batch["held"].notna().to_numpy()
        entities = batch["entity"].to_numpy()
        held = batch["held"].to_numpy(dtype=object)[there]
        now = Population(entities[here], _stacked(batch["x"][here], width))
        then = Population(entities[there], _stacked(batch["before"][there], width if comparable else 0))
        if comparable:
            return moves(then, held, now, previous.segments, current.segments, closer)
        return refitted(then.customers, held, now, current.segments)

    def work(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            found = told(batch)
            yield pd.DataFrame(
                {
                    "entity": found.customers,
                    "origin": found.origin,
                    "segment": found.target,
                    "cause": found.cause,
                    "distance": found.distance,
                    "second_distance": found.second_distance,
                }
            )

    entity = points.schema["entity"].dataType.simpleString()
    schema = f"entity {entity}, origin string, segment string, cause string, distance double, second_distance double"
    return joined.mapInPandas(work, schema)


def append(job: Job, points: DataFrame, followed: DataFrame, model: Model) -> None:
    """Write the output `history`: the rows of this day, and the files of all other days as they were published."""
    as_of = job.settings["asOf"]
    here = followed.filter(F.col("segment").isNotNull()).join(points, "entity")
    rows = here.withColumn("model", F.lit(model.digest)).withColumn(PARTITION, F.lit(as_of).cast("date"))
    previous = None if job.sample else job.previous("history")
    others = [file for file in (previous or {"files": []})["files"] if file["partition"][PARTITION] != as_of]
    job.write("history", rows, as_written(previous["dataset"], others) if previous else [])


def tell(job: Job, followed: DataFrame, since: Last | None) -> None:
    """The migration matrix as a table, and how many entities there are of each cause as metrics."""
    if since is None:
        return
    cells = followed.groupBy("origin", "segment", "cause").count().collect()
    rows = [(cell["origin"], cell["segment"], cell["cause"], cell["count"]) for cell in cells]
    job.table(f"Moves since {since.as_of}", ["from", "to", "cause", "entities"], sorted(rows, key=matrix_order))
    causes: dict[str, int] = {}
    for *_, cause, count in rows:
        causes[cause] = causes.get(cause, 0) + count
    for cause in ("stayed", "behaviour", "model", "both", "refitted", "new", "lost"):
        job.metric(f"entities_{cause}", causes.get(cause, 0))


def _stacked(points: Any, width: int) -> np.ndarray:
    """float64 [n, width], also of none."""
    return np.stack(list(points)) if len(points) and width else np.zeros((len(points), width))
