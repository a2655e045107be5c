"""From clean lines to visits, and from visits to one ordered history per entity."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

VISIT_COLUMNS = ["entity", "visit", "time", "date", "hour", "weekday", "place", "categories"]


def visits(lines: DataFrame) -> DataFrame:
    """One row per visit: entity, visit, time, date, hour, weekday (0 is Monday), place, categories.

    A visit is dated by its first line, also when it runs past midnight. `categories` is the sorted set of its distinct
    categories (array<string>). Lines without a category are dropped first, so a visit with no other line is no visit.
    """
    known = lines.filter(F.col("category").isNotNull() & F.col("entity").isNotNull() & F.col("visit").isNotNull())
    per_visit = known.groupBy("entity", "visit").agg(
        # The whole struct is compared, so that two lines of the same second cannot swap their place between two runs.
        F.min(F.struct("time", "date", "hour", "place")).alias("first"),
        F.array_sort(F.collect_set("category")).alias("categories"),
    )
    dated = per_visit.select("entity", "visit", "first.*", "categories").withColumn("weekday", F.weekday("date"))
    return dated.select(*VISIT_COLUMNS)


def histories(per_visit: DataFrame, before: date) -> DataFrame:
    """One row per entity with its visits on local days before `before`, oldest first by (time, visit).

    Columns: entity, days (array<int>, days since 1970-01-01), hours (array<int>), places (array<string>), categories
    (array<array<string>>), times (array<bigint>, seconds since 1970-01-01 UTC); the arrays of a row have one element
    per visit. An entity without such a visit has no row.
    """
    earlier = per_visit.filter(F.col("date") < F.lit(before).cast("date"))
    visit = F.struct("time", "visit", F.unix_date("date").alias("day"), "hour", "place", "categories")
    ordered = earlier.groupBy("entity").agg(F.array_sort(F.collect_list(visit)).alias("visits"))
    return ordered.select(
        "entity",
        F.col("visits.day").alias("days"),
        F.col("visits.hour").alias("hours"),
        F.col("visits.place").alias("places"),
        F.col("visits.categories").alias("categories"),
        F.transform("visits.time", lambda time: F.unix_seconds(time)).alias("times"),
    )
