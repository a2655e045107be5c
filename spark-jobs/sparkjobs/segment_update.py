"""The segment model of this run: fitted anew, trained further from the published one, or that one as it is."""

from dataclasses import replace

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkjobs.failure import InputError
from sparkjobs.job import Job
from sparkjobs.lines import check_columns_exist
from sparkjobs.scaling import Scale, fit_scales, number
from sparkjobs.segment_ids import SegmentModel, carry_over, named, renamed
from sparkjobs.segment_model import Model, rescaled
from sparkjobs.segments import Candidate, candidates, choose, ordered, scaled, shared, warm_start


def updated(job: Job, rows: DataFrame, previous: Model | None) -> Model:
    """As the setting `update` asks: fitted anew, trained further, or as published. `rows` are cached.

    Raises InputError when there is nothing that may be used, with what speaks against each number of segments.
    """
    update, names = job.settings["update"], job.settings["features"]
    if update == "fit" or previous is None:
        if update != "fit":
            job.note("no model is published yet, so one is fitted")
        return _fitted(job, rows, previous)
    if previous.features != names:
        raise InputError(
            f"Cannot {update}: the published model is on {', '.join(previous.features)}, the job on {', '.join(names)}",
            "Run once with update: fit, or give the job the features of the model",
        )
    if update == "retrain":
        return _retrained(job, rows, previous)
    job.rest_on_previous("model")
    return previous


def _retrained(job: Job, rows: DataFrame, previous: Model) -> Model:
    settings = job.settings
    job.stage("training further")
    points = scaled(rows, settings["entity"], previous.scales).cache()
    fit = warm_start(points, previous.segments.centroids, settings["maxIter"])
    job.metric("iterations", fit.iterations)
    job.metric("kept_previous", int(fit.smallest < settings["minShare"]))
    if fit.smallest < settings["minShare"]:
        version = job.rest_on_previous("model")
        told = f"the smallest segment would hold {fit.smallest:.3f} of all, less than minShare {settings['minShare']}"
        job.note(f"version {version} of the model stays: trained further, {told}; consider update: fit")
        return previous
    members = shared(rows, settings["entity"], previous, previous.scales, fit.centroids)
    segments = carry_over(previous.segments, fit.centroids, members)
    _tell_ids(job, previous, segments)
    facts = {"smallestShare": fit.smallest, "medianAri": None, "silhouette": None, "input": _input(job)}
    return Model(previous.scales, segments, {**previous.facts, **facts})


def _fitted(job: Job, rows: DataFrame, previous: Model | None) -> Model:
    """Of the best number of segments; the published model when none passes."""
    settings = job.settings
    scales = _scales(job, rows)
    points = scaled(rows, settings["entity"], scales).cache()
    found = candidates(points, settings, lambda k: job.stage(f"clustering into {k}"))
    _show(job, found)
    chosen = choose(found)
    job.metric("kept_previous", int(chosen is None))
    if chosen is None:
        return _kept(job, rows, previous, found)
    job.metric("silhouette", chosen.silhouette or 0.0)
    job.metric("median_ari", chosen.median_ari)
    segments = _with_ids(job, rows, previous, scales, np.array(ordered(chosen.centroids)))
    return Model(
        scales,
        segments,
        {
            "seed": chosen.seed,
            "smallestShare": chosen.smallest_share,
            "medianAri": chosen.median_ari,
            "silhouette": chosen.silhouette,
            "input": _input(job),
        },
    )


def _with_ids(
    job: Job, rows: DataFrame, previous: Model | None, scales: list[Scale], centroids: np.ndarray
) -> SegmentModel:
    """Ids of the published model where members are shared with it."""
    if previous is None or job.sample:
        return named(centroids)
    if previous.features != [scale.name for scale in scales]:
        segments = renamed(previous.segments, centroids)
    else:
        before = replace(previous.segments, centroids=rescaled(previous.segments.centroids, previous.scales, scales))
        members = shared(rows, job.settings["entity"], previous, scales, centroids)
        segments = carry_over(before, centroids, members)
    _tell_ids(job, previous, segments)
    return segments


def _tell_ids(job: Job, previous: Model, segments: SegmentModel) -> None:
    for name in segments.ids:
        if name not in previous.segments.ids:
            job.note(f"segment {name} is new")
    for name in previous.segments.ids:
        if name not in segments.ids:
            job.note(f"segment {name} is retired; its id is not given again")


def _scales(job: Job, rows: DataFrame) -> list[Scale]:
    settings = job.settings
    names = settings["features"]
    clip = settings["winsorise"]
    scales = fit_scales(rows, names, clip["lower"], clip["upper"], settings["logAbove"])
    for scale in scales:
        if scale.constant:
            job.note(f"{scale.name} is {scale.lower:g} for all after clipping, so it tells nobody apart")
    if all(scale.constant for scale in scales):
        remedy = "Choose features that differ between entities, or widen winsorise"
        raise InputError("Cannot cluster: no feature differs between entities after clipping", remedy)
    return scales


def tell_filled(job: Job, rows: DataFrame, scales: list[Scale]) -> None:
    """Metric values_filled, and a note for each feature in which the scales fill a gap, whoever learnt them."""
    counts = [F.count_if(number(scale.name).isNull()).alias(f"n{i}") for i, scale in enumerate(scales)]
    nulls = rows.agg(*counts).collect()[0]
    job.metric("values_filled", sum(nulls))
    for scale, count in zip(scales, nulls, strict=True):
        if count:
            job.note(f"{scale.name} is null for {count} entities; the median {scale.fill:g} stands in")


def _input(job: Job) -> dict[str, str]:
    return {key: job.manifest("features")[key] for key in ("dataset", "version")}


def _kept(job: Job, rows: DataFrame, previous: Model | None, found: list[Candidate]) -> Model:
    """The published model, to be kept; raises InputError with the reasons when there is none that fits the features."""
    against = "; ".join(f"k={candidate.k}: {', '.join(candidate.objections)}" for candidate in found)
    if previous is None:
        raise InputError(
            f"Cannot choose a number of segments: none passes and there is no earlier model to keep ({against})",
            "Choose fewer or less related features, lower minShare or stability.minMedianAri, or allow fewer clusters",
        )
    names = {f"features[{i}] of the earlier model": name for i, name in enumerate(previous.features)}
    check_columns_exist(names, rows.columns, "features")
    version = job.rest_on_previous("model")
    job.note(f"no number of segments passes, so version {version} of the model stays: {against}")
    return previous


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
