"""Reads published datasets from a store, a folder or a bucket: `read("household-offers", run="@latest")`."""

import difflib
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession

from sparkjobs import tables
from sparkjobs.documents import below, folders, is_file, locate, read_document
from sparkjobs.failure import InputError
from sparkjobs.parquet_files import NULL_PARTITION


def read(
    dataset: str,
    run: str | None = None,
    root: str = ".sparkwright",
    spark: SparkSession | None = None,
    namespace: str = "default",
) -> pd.DataFrame | DataFrame:
    """Rows of a dataset: as pandas, or as a Spark frame when a session is given.

    `root` is the store's folder, or s3a://BUCKET/PREFIX; the server then is that of the AWS_* variables. Without `run`,
    and with "@latest", what is published now; else what that run wrote, published or not. Raises InputError for a
    dataset, run or version that the store does not have.
    """
    root = root.rstrip("/")
    base = f"{root}/datasets/{namespace}/{dataset}"
    version = _current(base, dataset) if run in (None, "@latest") else _of_run(root, run, dataset)
    manifest = {"dataset": dataset, "partitionBy": [], **_document(f"{base}/versions/{version}.json")}
    manifest["files"] = [{**file, "path": below(base, file["path"])} for file in manifest["files"]]
    if manifest["format"] == "model":
        remedy = f"Its files are {', '.join(file['path'] for file in manifest['files'][:5])}"
        raise InputError(f"Cannot read dataset {dataset} as rows: it is a model", remedy)
    partitions = manifest["partitionBy"] or list((manifest["files"] or [{}])[0].get("partition") or {})
    manifest["partitionBy"] = partitions
    return _pandas(manifest) if spark is None else tables.read(spark, manifest)


def _current(base: str, dataset: str) -> str:
    pointer = f"{base}/current.json"
    if not is_file(pointer):
        folder = base.rsplit("/", 1)[0]
        there = [name for name in folders(folder) if is_file(f"{folder}/{name}/current.json")]
        near = difflib.get_close_matches(dataset, there, n=1)
        hint = f"Did you mean {near[0]}" if near else f"Published are {', '.join(there) or 'none'}"
        raise InputError(f"Cannot read dataset {dataset}: nothing is published under {folder}", hint)
    return _document(pointer)["version"]


def _of_run(root: str, run: str, dataset: str) -> str:
    status = f"{root}/runs/{run}/status.json"
    if not is_file(status):
        there = folders(f"{root}/runs")
        near = ", ".join(difflib.get_close_matches(run, there, n=3)) or ", ".join(there[-3:]) or "none"
        raise InputError(f"Cannot read run {run}: {root}/runs has no such run", f"Runs there: {near}")
    steps = _document(status)["steps"]
    for step in steps.values() if isinstance(steps, dict) else steps:
        version = (step.get("outputs") or {}).get(dataset)
        if version:
            return version
    raise InputError(f"Cannot read dataset {dataset} of run {run}: no step of it has written that yet")


def _document(uri: str) -> Any:
    try:
        return read_document(uri)
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read {uri}: {error}", "Look at the store with `sparkwright dataset list`") from error


def _pandas(manifest: dict[str, Any]) -> pd.DataFrame:
    pieces = []
    types = {column["name"]: column["type"] for column in manifest["columns"]}
    for file in manifest["files"]:
        filesystem, path = locate(file["path"])
        with filesystem.open_input_file(path) as stream:
            piece = pq.read_table(stream)
        for name, value in (file.get("partition") or {}).items():
            cells = pa.array([None if value == NULL_PARTITION else value] * piece.num_rows, pa.string())
            piece = piece.append_column(name, cells.cast(_ARROW.get(types.get(name, "string"), pa.string())))
        pieces.append(piece)
    if not pieces:
        return pd.DataFrame(columns=list(types))
    whole = pa.concat_tables(pieces)
    return whole.select([name for name in types if name in whole.column_names] or whole.column_names).to_pandas()


_ARROW = {
    "date": pa.date32(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
}
