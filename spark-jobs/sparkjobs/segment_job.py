"""The segmentation job as a whole: which model, who belongs where, what the segments are like, who moved."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkjobs.failure import InputError
from sparkjobs.job import Job
from sparkjobs.lines import check_columns_exist
from sparkjobs.segment_history import append, follow, last, tell
from sparkjobs.segment_model import Model, read_model
from sparkjobs.segment_profile import SCHEMA, profile
from sparkjobs.segment_update import tell_filled, updated
from sparkjobs.segments import scaled

ROWS_PER_PARTITION = 500_000


def main(job: Job) -> None:
    """Settings, inputs and outputs as in the SegmentationJob kind."""
    settings = job.settings
    job.stage("reading features")
    rows = _rows(job)
    previous = _published(job)
    model = updated(job, rows, previous)
    job.metric("segments", len(model.segments.ids))
    tell_filled(job, rows, model.scales)
    job.stage("assigning and describing")
    points = scaled(rows, settings["entity"], model.scales).cache()
    since = last(job) if _writes(job, "history") else None
    followed = follow(points, since, previous, model, settings["closer"]).cache()
    assigned = followed.filter(F.col("segment").isNotNull())
    described = profile(rows, settings["entity"], assigned, model.scales)
    job.write_model("model", model.save)
    job.write("segments", assigned.select("entity", "segment", "distance", "second_distance"))
    job.write("profile", job.spark.createDataFrame(described, SCHEMA))
    if _writes(job, "history"):
        append(job, points, followed, model)
    if _writes(job, "moves"):
        job.write("moves", followed.select("entity", "origin", F.col("segment").alias("target"), "cause"))
    by_segment = {row[0]: [row[0], row[6], round(100 * row[5], 1), row[7]] for row in described}
    job.table("Segments", ["segment", "size", "% of all", "what sets it apart"], list(by_segment.values()))
    tell(job, followed, since)


def _writes(job: Job, role: str) -> bool:
    return role in job.document["outputs"]


def _published(job: Job) -> Model | None:
    """The model that is published now. One that cannot be read only costs a fit its ids."""
    folder = job.previous_folder("model")
    if folder is None:
        return None
    try:
        return read_model(folder)
    except InputError as error:
        if job.settings["update"] != "fit":
            raise
        job.note(f"the ids of segments begin anew: {error.message}")
        return None


def _rows(job: Job) -> DataFrame:
    """Entity and features, cached in few partitions: on few rows Spark's cost is per task, not per row."""
    settings = job.settings
    raw = job.input("features")
    names = {f"features[{i}]": name for i, name in enumerate(settings["features"])}
    check_columns_exist({"entity": settings["entity"], **names}, raw.columns, "features")
    types = dict(raw.dtypes)
    for path, name in names.items():
        if types[name] not in ("int", "bigint", "double", "float", "smallint", "tinyint", "boolean"):
            message = f"Cannot use {path}: column {name} of input features is {types[name]}, not a number"
            raise InputError(message, f"Take {name} out of features")
    chosen = raw.select(*[F.col(f"`{name}`") for name in dict.fromkeys([settings["entity"], *settings["features"]])])
    count = chosen.count()
    job.metric("entities", count)
    partitions = -(-count // ROWS_PER_PARTITION)
    spread = chosen.coalesce(1) if partitions == 1 else chosen.repartition(partitions, f"`{settings['entity']}`")
    # In a fixed order, because sums of doubles and thereby the fits depend on it.
    return spread.sortWithinPartitions(F.col(f"`{settings['entity']}`")).cache()
