"""What each segment is like, in numbers and in words."""

from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkjobs.scaling import Scale, number

SCHEMA = (
    "segment string, feature string, mean double, median double, index double, share double, size bigint, words string"
)
TOLD = 3
# Standard deviations (of the scaled feature) below which a segment is like everybody else.
APART = 0.2


def profile(rows: DataFrame, entity: str, assigned: DataFrame, scales: list[Scale]) -> list[tuple[Any, ...]]:
    """Rows of SCHEMA: per segment and feature mean and median in original units (nulls left out), index = segment mean
    / mean of all x 100 (null when that is 0), the segment's share and size, and the same words on each of its rows.
    """
    names = [scale.name for scale in scales]
    wide = rows.select(
        F.col(f"`{entity}`").alias("entity"),
        *[number(name).alias(f"raw{i}") for i, name in enumerate(names)],
        *[scale.apply().alias(f"z{i}") for i, scale in enumerate(scales)],
    ).join(assigned.select("entity", "segment"), on="entity")
    means = [F.avg(f"raw{i}").alias(f"mean{i}") for i in range(len(names))]
    medians = [F.median(f"raw{i}").alias(f"median{i}") for i in range(len(names))]
    standard = [F.avg(f"z{i}").alias(f"z{i}") for i in range(len(names))]
    count = F.count("*").alias("size")
    whole = wide.agg(count, *means).collect()[0]
    found = []
    for segment in sorted(wide.groupBy("segment").agg(count, *means, *medians, *standard).collect(), key=_number):
        indices = [_index(segment[f"mean{i}"], whole[f"mean{i}"]) for i in range(len(names))]
        words = describe(names, [segment[f"z{i}"] for i in range(len(names))], indices)
        share = segment["size"] / whole["size"]
        for i, name in enumerate(names):
            cells = (segment[f"mean{i}"], segment[f"median{i}"], indices[i], share, segment["size"], words)
            found.append((segment["segment"], name, *cells))
    return found


def describe(names: list[str], distances: list[float], indices: list[float | None]) -> str:
    """The features in which a segment differs most from all, in words; distances are in standard deviations."""
    apart = [i for i in range(len(names)) if abs(distances[i]) >= APART]
    told = []
    for i in sorted(apart, key=lambda i: (-abs(distances[i]), i))[:TOLD]:
        index = indices[i]
        beside = "" if index is None else f" (index {index:.0f})"
        told.append(f"{names[i]} {_how(distances[i])}{beside}")
    return ", ".join(told) or "about average in everything"


def _how(distance: float) -> str:
    extent = "far " if abs(distance) >= 1 else "somewhat " if abs(distance) < 0.5 else ""
    return f"{extent}{'above' if distance > 0 else 'below'} average"


def _index(mean: float | None, of_all: float | None) -> float | None:
    return None if mean is None or not of_all else 100 * mean / of_all


def _number(row: Any) -> int:
    return int(row["segment"].removeprefix("s"))
