"""The feature job as a whole: reads raw tables, writes clean lines and features, and counts what it saw."""

from datetime import date
from typing import Any

from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from sparkjobs.failure import InputError
from sparkjobs.features import features, within
from sparkjobs.job import Job
from sparkjobs.lines import (
    categories,
    check_columns_exist,
    check_settings,
    clean_lines,
    drop_counts,
    normalised,
    sampled,
)
from sparkjobs.unchanged import carried


def main(job: Job) -> None:
    """Settings, inputs and outputs as in the FeatureJob kind. Dates whose lines have not changed keep their files."""
    settings = job.settings
    job.stage("reading lines")
    raw = job.input("lines")
    check_settings(settings, raw.columns)
    # Counted while the lines pass by on their way to the files, not in a pass of their own.
    seen = Observation()
    normal = sampled(normalised(raw, settings), job.sample).observe(seen, *drop_counts())
    _write_lines(job, clean_lines(normal, _categories(job), settings["zones"]["business"]), seen)
    lines = job.written("lines")
    job.stage("counting visits")
    _describe(job, lines)
    job.stage("making features")
    job.write("features", features(lines, settings["asOf"], settings["windows"], settings["dayparts"]))
    job.metric("entities_with_features", job.outputs["features"]["rows"])


def _categories(job: Job) -> DataFrame | None:
    """Category of each item, or None when the job has no item table."""
    if not job.has("items"):
        return None
    columns = job.settings.get("items")
    if columns is None:
        remedy = "Add items: {key: …, category: …} to the job, or leave inputs.items out"
        raise InputError("Cannot read input items: the job does not say which columns hold item and category", remedy)
    items = job.input("items")
    check_columns_exist({f"items.{role}": name for role, name in columns.items()}, items.columns, "items")
    return categories(items, columns["key"], columns["category"])


def _write_lines(job: Job, lines: DataFrame, seen: Observation) -> None:
    job.stage("comparing with the published lines")
    kept = carried(job.spark, lines, job.document["outputs"]["lines"], job.previous("lines"))
    if kept.reason:
        job.note(kept.reason)
    job.stage("writing lines")
    changed = lines.filter(~F.col("date").cast("string").isin(kept.values)) if kept.values else lines
    job.write("lines", changed, kept.files)
    for name, count in seen.get.items():
        job.metric(name, count)
    output = job.outputs["lines"]
    if output["rows"] == 0:
        raise InputError(
            f"Cannot make clean lines: none of {job.metrics['rows_in']} rows has {', '.join(_blame(job.metrics))}",
            "Check columns of the job, and --sample when one was asked for",
        )
    dates = {file["partition"]["date"] for file in output["files"]}
    job.metric("rows_out", output["rows"])
    job.metric("dates", len(dates))
    job.metric("dates_carried_over", len(kept.values))


def _blame(metrics: dict[str, float]) -> list[str]:
    """The roles that were missing in any line."""
    prefix = "dropped_no_"
    return [name.removeprefix(prefix) for name, count in metrics.items() if name.startswith(prefix) and count] or [
        "all"
    ]


def _describe(job: Job, lines: DataFrame) -> None:
    """Metrics on the clean lines, and the share of visits per daypart."""
    dayparts: list[dict[str, Any]] = job.settings["dayparts"]
    visits = lines.groupBy("entity", "visit").agg(
        F.hour(F.min("local_time")).alias("hour"),
        F.min("date").alias("first"),
        F.max("date").alias("last"),
        F.count_if(F.col("category").isNull()).alias("no_category"),
        F.count_if(F.col("amount").isNull()).alias("no_amount"),
    )
    totals = visits.agg(
        F.count("*").alias("visits"),
        F.countDistinct("entity").alias("entities"),
        F.sum("no_category").alias("lines_without_category"),
        F.sum("no_amount").alias("lines_without_amount"),
        F.min("first").alias("first"),
        F.max("last").alias("last"),
        *[F.count_if(within(part)).alias(f"part{index}") for index, part in enumerate(dayparts)],
    ).collect()[0]
    for name in ("visits", "entities", "lines_without_category", "lines_without_amount"):
        job.metric(name, totals[name])
    as_of = job.settings["asOf"]
    if totals["first"] >= date.fromisoformat(as_of):
        raise InputError(
            f"Cannot make features as of {as_of}: the lines begin on {totals['first']} and end on {totals['last']}",
            "Choose an asOf after the first of these days",
        )
    rows = [
        [part["name"], f"{part['from']}-{part['until']}", round(100 * totals[f"part{i}"] / totals["visits"], 2)]
        for i, part in enumerate(dayparts)
    ]
    job.table("Visits by daypart", ["daypart", "local hours", "% of visits"], rows)
