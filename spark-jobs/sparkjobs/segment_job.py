"""The segmentation job as a whole: fits, or keeps the published model and says why; then assigns and describes."""

import json
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkjobs.failure import InputError
from sparkjobs.job import Job
from sparkjobs.lines import check_columns_exist
from sparkjobs.scaling import Scale, fit_scales, number
from sparkjobs.segment_profile import SCHEMA, profile
from sparkjobs.segments import Candidate, assign, candidates, choose, ordered, scaled

FORMAT = "sparkwright.dev/kmeans/v1"
ROWS_PER_PARTITION = 500_000


def main(job: Job) -> None:
    """Settings, inputs and outputs as in the SegmentationJob kind."""
    settings = job.settings
    job.stage("reading features")
    rows = _rows(job)
    scales = _scales(job, rows)
    points = scaled(rows, settings["entity"], scales).cache()
    found = candidates(points, settings, lambda k: job.stage(f"clustering into {k}"))
    _show(job, found)
    chosen = choose(found)
    job.metric("kept_previous", int(chosen is None))
    if chosen is None:
        model = _previous(job, rows, found)
        scales = [Scale(**scale) for scale in model["features"]]
        points = scaled(rows, settings["entity"], scales).cache()
    else:
        model = _model(job, chosen, scales)
        job.metric("silhouette", chosen.silhouette or 0.0)
        job.metric("median_ari", chosen.median_ari)
    job.metric("segments", model["k"])
    job.stage("assigning and describing")
    assigned = assign(points, model["centroids"]).cache()
    described = profile(rows, settings["entity"], assigned, scales)
    job.write_model("model", lambda folder: _save(folder, model))
    job.write("segments", assigned)
    job.write("profile", job.spark.createDataFrame(described, SCHEMA))
    by_segment = {row[0]: [row[0], row[6], round(100 * row[5], 1), row[7]] for row in described}
    job.table("Segments", ["segment", "size", "% of all", "what sets it apart"], list(by_segment.values()))


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


def _scales(job: Job, rows: DataFrame) -> list[Scale]:
    settings = job.settings
    names = settings["features"]
    clip = settings["winsorise"]
    scales = fit_scales(rows, names, clip["lower"], clip["upper"], settings["logAbove"])
    nulls = rows.agg(*[F.count_if(number(name).isNull()).alias(f"n{i}") for i, name in enumerate(names)]).collect()[0]
    job.metric("values_filled", sum(nulls[f"n{i}"] for i in range(len(names))))
    for i, scale in enumerate(scales):
        if nulls[f"n{i}"]:
            job.note(f"{scale.name} is null for {nulls[f'n{i}']} entities; the median {scale.fill:g} stands in")
        if scale.constant:
            job.note(f"{scale.name} is {scale.lower:g} for all after clipping, so it tells nobody apart")
    if all(scale.constant for scale in scales):
        remedy = "Choose features that differ between entities, or widen winsorise"
        raise InputError("Cannot cluster: no feature differs between entities after clipping", remedy)
    return scales


def _model(job: Job, chosen: Candidate, scales: list[Scale]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "features": [scale.document() for scale in scales],
        "k": chosen.k,
        "centroids": ordered(chosen.centroids),
        "seed": chosen.seed,
        "smallestShare": chosen.smallest_share,
        "medianAri": chosen.median_ari,
        "silhouette": chosen.silhouette,
        "input": {"dataset": job.manifest("features")["dataset"], "version": job.manifest("features")["version"]},
    }


def _previous(job: Job, rows: DataFrame, found: list[Candidate]) -> dict[str, Any]:
    """The published model, to be kept; raises InputError with the reasons when there is none that fits the features."""
    against = "; ".join(f"k={candidate.k}: {', '.join(candidate.objections)}" for candidate in found)
    folder = job.previous_folder("model")
    if folder is None:
        raise InputError(
            f"Cannot choose a number of segments: none passes and there is no earlier model to keep ({against})",
            "Choose fewer or less related features, lower minShare or stability.minMedianAri, or allow fewer clusters",
        )
    model = json.loads((folder / "model.json").read_text())
    if model.get("format") != FORMAT:
        raise InputError(f"Cannot keep the earlier model: its format is {model.get('format')}, not {FORMAT}")
    names = {f"features[{i}] of the earlier model": scale["name"] for i, scale in enumerate(model["features"])}
    check_columns_exist(names, rows.columns, "features")
    job.note(f"no number of segments passes, so version {job.versions['model']} of the model stays: {against}")
    return model


def _show(job: Job, found: list[Candidate]) -> None:
    rows = [
        [
            c.k,
            round(100 * c.smallest_share, 1),
            round(c.median_ari, 3),
            c.silhouette,
            "; ".join(c.objections) or "passes",
        ]
        for c in found
    ]
    job.table("Numbers of segments", ["k", "smallest share %", "median ARI", "silhouette", "verdict"], rows)


def _save(folder: Path, model: dict[str, Any]) -> None:
    (folder / "model.json").write_text(json.dumps(model, indent=1) + "\n")
