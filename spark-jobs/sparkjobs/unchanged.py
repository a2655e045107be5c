"""Finds the partitions of an output whose content is what is published already, so that their files are kept."""

from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkjobs import tables
from sparkjobs.failure import classify
from sparkjobs.footers import footers

# Two sums over different primes stay within 64 bits for billions of rows and tell apart what one might confuse.
PRIMES = [(11, 2_147_483_647), (23, 2_147_483_629)]


def fingerprints(df: DataFrame, partition: str) -> dict[str, tuple[int, ...]]:
    """Per partition value, as text: number of rows and two sums of row hashes. Row order does not matter, copies do."""
    sums = [F.sum(F.pmod(_row_hash(df, salt), F.lit(prime))).alias(f"sum{salt}") for salt, prime in PRIMES]
    rows = df.groupBy(F.col(partition).cast("string").alias("value")).agg(F.count("*").alias("rows"), *sums).collect()
    return {row["value"]: (row["rows"], *(row[f"sum{salt}"] for salt, _ in PRIMES)) for row in rows}


def _row_hash(df: DataFrame, salt: int) -> Column:
    # A hash passes over nulls, so whether each column is null goes in as well: (a, null) is not (null, a).
    cells = [F.col(f"`{name}`") for name in df.columns]
    return F.xxhash64(F.lit(salt), *cells, *[cell.isNull() for cell in cells])


@dataclass(frozen=True)
class Carried:
    """Files of the published version to keep, the partition values they hold, and why there are none if odd."""

    files: list[dict[str, Any]]
    values: list[str]
    reason: str = ""


def carried(spark: SparkSession, df: DataFrame, output: dict[str, Any], previous: dict[str, Any] | None) -> Carried:
    """Compare `df`, which has the output's columns, with `previous`, partition by partition.

    Nothing is kept when columns or layout differ. The published version only saves work, so one that can't be read is
    no failure: everything is written anew and the reason given.
    """
    if previous is None or not previous["files"] or not same_shape(output, previous):
        return Carried([], [])
    [partition] = output["partitionBy"]
    try:
        before = fingerprints(tables.read(spark, previous), partition)
    except Exception as error:
        failure = classify(error)
        if failure.class_ == "OutOfMemory":
            raise
        version = f"version {previous['version']} of {previous['dataset']}"
        return Carried([], [], f"everything was written anew, as {version} can't be read: {failure.message}")
    now = fingerprints(df, partition)
    same = sorted(value for value, print_ in now.items() if before.get(value) == print_)
    wanted = set(same)
    files = [file for file in previous["files"] if file["partition"][partition] in wanted]
    return Carried(as_written(previous["dataset"], files), same)


def as_written(dataset: str, files: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Files of a published version as entries that another version may carry: with their rows counted."""
    rows = [footer.rows for footer in footers(dataset, files)]
    return [
        {key: file[key] for key in ("path", "size", "etag", "partition")} | {"rows": count}
        for file, count in zip(files, rows, strict=True)
    ]


def same_shape(output: dict[str, Any], previous: dict[str, Any]) -> bool:
    """Whether both are partitioned by the same one column and have the same columns and format."""
    return (
        len(output["partitionBy"]) == 1
        and output["partitionBy"] == previous["partitionBy"]
        and output["columns"] == previous["columns"]
        and output["format"] == previous["format"]
    )
