"""How far the categories of a column have moved between two versions of a dataset."""

from dataclasses import dataclass
from math import sqrt

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


@dataclass(frozen=True)
class Drift:
    """Distance from 0 (alike) to 1 (nothing in common), and the category that adds most to it, with its shares."""

    distance: float
    category: str | None = None
    before: float = 0.0
    now: float = 0.0


def drifts(now: DataFrame, before: DataFrame, columns: list[str], rows: tuple[int, int]) -> dict[str, Drift]:
    """Jensen-Shannon distance of each column's categories; null is a category, and values count as their text.

    The square root of the Jensen-Shannon divergence to base 2 (Lin 1991, IEEE Transactions on Information Theory 37(1);
    that it is a metric: Endres and Schindelin 2003, 49(7)). Unlike the population stability index it needs no smoothing
    where a category is new or gone. `rows` of both, now and before, must be above 0. One pass, however many columns.
    """
    cells = _cells(now, columns, 1, 0).unionByName(_cells(before, columns, 0, 1))
    share_now, share_before = F.sum("now") / rows[0], F.sum("before") / rows[1]
    shares = cells.groupBy("column", "category").agg(share_now.alias("now"), share_before.alias("before"))
    term = _term(F.col("now"), F.col("before"))
    most = F.max_by(F.struct(F.coalesce("category", F.lit("null")).alias("category"), "before", "now"), term)
    found = shares.groupBy("column").agg(F.sum(term).alias("divergence"), most.alias("most")).collect()
    # Sums of rounded terms may end a hair outside.
    return {row["column"]: Drift(sqrt(min(1.0, max(0.0, row["divergence"]))), *row["most"]) for row in found}


def _cells(df: DataFrame, columns: list[str], now: int, before: int) -> DataFrame:
    """A row for each value of each column: column, category, and 1 for the version it is of."""
    pairs = [
        F.struct(F.lit(name).alias("column"), F.col(f"`{name}`").cast("string").alias("category")) for name in columns
    ]
    cells = df.select(F.explode(F.array(*pairs)).alias("cell"))
    return cells.select("cell.column", "cell.category", F.lit(now).alias("now"), F.lit(before).alias("before"))


def _term(p: Column, q: Column) -> Column:
    """What a category adds to the divergence of two distributions in which it has the shares p and q."""
    middle = (p + q) / 2
    return sum((F.when(share > 0, share * F.log2(share / middle)).otherwise(0.0) for share in (p, q)), F.lit(0.0)) / 2
