"""Runs of the segmentation job on made-up frames."""

import json
import random
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from sparkjobs.job import Job
from sparkjobs.progress import Progress
from sparkjobs.segment_job import main
from sparkjobs.tables import write

SETTINGS = {
    "entity": "entity",
    "features": ["spend", "visits"],
    "winsorise": {"lower": 0.01, "upper": 0.99},
    "logAbove": 1,
    "clusters": {"min": 2, "max": 4},
    "minShare": 0.05,
    "stability": {"seeds": 3, "minMedianAri": 0.8},
    "maxIter": 20,
    "seed": 7,
    "update": "fit",
    "closer": 0.2,
}
OUTPUTS = ["model", "segments", "profile"]
HISTORY = {
    "history": {
        "columns": [
            {"name": "entity", "type": "string"},
            {"name": "segment", "type": "string"},
            {"name": "model", "type": "string"},
            {"name": "distance", "type": "double"},
            {"name": "second_distance", "type": "double"},
            {"name": "x", "type": "array<double>"},
            {"name": "as_of", "type": "date"},
        ],
        "partitionBy": ["as_of"],
    },
    "moves": {"columns": [], "partitionBy": []},
}


def blobs(spark, sizes=(60, 40, 30), seed=1):
    """Entities around as many points as there are sizes, with more spend from one to the next."""
    draw = random.Random(seed)
    places = [(10.0, 10.0), (50.0, 2.0), (90.0, 10.0)]
    rows = []
    for (spend, visits), size in zip(places, sizes, strict=False):
        rows += [(f"e{len(rows) + i}", draw.gauss(spend, 1), draw.gauss(visits, 0.3)) for i in range(size)]
    return spark.createDataFrame(rows, "entity string, spend double, visits double").coalesce(1)


def segmented(
    spark: SparkSession,
    folder: Path,
    frame: DataFrame,
    previous: dict[str, Any] | None = None,
    sample: dict[str, Any] | None = None,
    **settings: Any,
) -> tuple[Job, dict[str, Any]]:
    """The job and the model it wrote; with the setting asOf it writes history and moves too."""
    made = write(frame, {"dataset": "f", "columns": [], "path": str(folder / "f")})
    files = [{**file, "path": f"{folder / 'f'}/{file['path']}"} for file in made["files"]]
    features = {"dataset": "f", "version": "v-f", "format": "parquet", "columns": made["columns"], "files": files}
    outputs = {r: {"dataset": r, "format": "parquet", "columns": [], "path": f"{folder}/{r}"} for r in OUTPUTS}
    if "asOf" in settings:
        more = HISTORY.items()
        outputs |= {r: {"dataset": r, "format": "parquet", "path": f"{folder}/{r}", **shape} for r, shape in more}
    document = {"kind": "SegmentationJob", "settings": {**SETTINGS, **settings}, "inputs": {"features": features}}
    document |= {"outputs": outputs, "previous": previous or {}, "work": str(folder / "work"), "sample": sample}
    with Progress(spark.sparkContext, str(folder / "progress.json")) as progress:
        job = Job(document, spark, progress)
        main(job)
    return job, json.loads((folder / "model" / "model.json").read_text())


def published(job: Job) -> dict[str, Any]:
    """The job's model and history as what is published now."""
    found = {}
    for role in ("model", "history"):
        if role in job.outputs:
            output, entry = job.document["outputs"][role], job.outputs[role]
            # A file that is carried has a whole path already.
            files = [{**f, "path": str(Path(output["path"]) / f["path"])} for f in entry["files"]]
            found[role] = {**output, "columns": entry.get("columns", []), "version": "v-old", "files": files}
    return found
