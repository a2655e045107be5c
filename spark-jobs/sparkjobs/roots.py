"""Where the partition folders of a manifest's files begin."""

import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from pyspark.sql import DataFrame, DataFrameReader, SparkSession

from sparkjobs.failure import InputError


def read_by_root(
    spark: SparkSession,
    input_: dict[str, Any],
    load: Callable[[DataFrameReader, list[str]], DataFrame],
) -> DataFrame:
    """One read per root folder, joined: a version may carry files of earlier ones; Spark takes one root at a time."""
    partitions = input_.get("partitionBy") or []
    paths_by_root: dict[str, list[str]] = defaultdict(list)
    for file in input_["files"]:
        root = partition_root(input_["dataset"], file["path"], partitions) if partitions else ""
        paths_by_root[root].append(file["path"])
    whole: DataFrame | None = None
    for root, paths in sorted(paths_by_root.items()):
        reader = spark.read.option("basePath", root) if partitions else spark.read
        frame = load(reader, sorted(paths))
        whole = frame if whole is None else whole.unionByName(frame)
    if whole is None:
        raise InputError(f"Cannot read dataset {input_['dataset']}: it has no files")
    return whole


def partition_root(dataset: str, path: str, partitions: list[str]) -> str:
    """The folder above the column=value folders of `path`; raises InputError when it does not lie in such folders."""
    folder = PurePosixPath(path).parent
    for name in reversed(partitions):
        if not folder.name.startswith(f"{name}="):
            raise InputError(
                f"Cannot read dataset {dataset}: {path} does not lie in a folder {name}=…",
                "Correct partitionBy of the dataset, or lay its files out in column=value folders",
            )
        folder = folder.parent
    # PurePosixPath folds the two slashes after the scheme of a URI into one.
    return re.sub(r"^([a-z0-9]+):/(?!/)", r"\1://", str(folder))
