"""Reads CSV as text and casts it column by column, so that a value that does not parse is named, not lost."""

import csv
import io
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from sparkjobs.documents import locate
from sparkjobs.failure import InputError, refuse
from sparkjobs.footers import check_file, missing_column
from sparkjobs.roots import read_by_root

HEAD_BYTES = 1 << 20


def read_csv(spark: SparkSession, input_: dict[str, Any]) -> DataFrame:
    """The declared columns with their types, all columns as text when none are declared.

    Options are the dataset's: separator "," header true nullValue "" encoding UTF-8. Raises InputError for a missing
    column, headers that differ and files without a data line at once; for a value that does not parse or a line with
    too few or too many fields when Spark comes to it.
    """
    options = {"separator": ",", "header": True, "nullValue": "", "encoding": "UTF-8", **(input_.get("csv") or {})}
    partitions = input_.get("partitionBy") or []
    names = _names(input_, options, [c["name"] for c in input_["columns"] if c["name"] not in partitions])
    schema = StructType([StructField(name, StringType()) for name in [*names, *partitions]])
    text = read_by_root(
        spark,
        input_,
        lambda reader, paths: (
            reader.schema(schema)
            .options(
                sep=options["separator"],
                header=options["header"],
                nullValue=options["nullValue"],
                encoding=options["encoding"],
                mode="FAILFAST",
            )
            .csv(paths)
        ),
    )
    columns = input_["columns"] or [{"name": name, "type": "string"} for name in [*names, *partitions]]
    dataset = input_["dataset"]
    typed = [(c["name"], checked_cast(F.col(f"`{c['name']}`"), c["type"], dataset, c["name"])) for c in columns]
    return text.select([column.alias(name) for name, column in typed])


def checked_cast(value: Column, type_: str, dataset: str, name: str) -> Column:
    """`value` (text) as `type_`; null stays null, and a value that does not parse ends the job with an InputError."""
    if type_ == "string":
        return value
    parsed = value.try_cast(type_)
    message = F.concat(
        F.lit(f"Cannot read dataset {dataset}: column {name} holds '"), value, F.lit(f"', which is no {type_}")
    )
    remedy = "Correct the value, or the type of the column or the nullValue of the dataset"
    return F.when(value.isNull() | parsed.isNotNull(), parsed).otherwise(refuse(message, remedy).cast(type_))


def _names(input_: dict[str, Any], options: dict[str, Any], declared: list[str]) -> list[str]:
    """Column names in the order of the files, from the header or the declaration."""
    dataset = input_["dataset"]
    header: list[str] | None = None
    first_path = ""
    rows = 0
    for file in input_["files"]:
        check_file(dataset, file)
        lines = _head(dataset, file["path"], options)
        rows += max(0, len(lines) - (1 if options["header"] else 0))
        if not lines:
            continue
        if header is None:
            header, first_path = lines[0], file["path"]
        elif options["header"] and lines[0] != header:
            raise InputError(
                f"Cannot read dataset {dataset}: its files differ: {first_path} has the columns {', '.join(header)}, "
                f"{file['path']} has {', '.join(lines[0])}",
                "Write the files of one dataset with one header",
            )
    if header is None or rows == 0:
        raise InputError(
            f"Cannot read dataset {dataset}: it has no rows (such as {input_['files'][0]['path']})",
            "Check what was written there",
        )
    if not options["header"]:
        return _unnamed(dataset, first_path, header, declared)
    for name in declared:
        if name not in header:
            raise missing_column(dataset, first_path, name, header)
    return header


def _unnamed(dataset: str, path: str, first: list[str], declared: list[str]) -> list[str]:
    if declared and len(declared) != len(first):
        raise InputError(
            f"Cannot read dataset {dataset}: {path} has {len(first)} fields a line, {len(declared)} are declared",
            "Declare every column in order, since the file has no header, or correct the separator",
        )
    return declared or [f"_c{index}" for index in range(len(first))]


def _head(dataset: str, path: str, options: dict[str, Any]) -> list[list[str]]:
    """The first two records of a file."""
    filesystem, place = locate(path)
    with filesystem.open_input_stream(place) as stream:
        start = stream.read(HEAD_BYTES)
    try:
        # A character cut in two at the end of the piece is not the file's fault.
        text = start.decode(options["encoding"], errors="strict" if len(start) < HEAD_BYTES else "ignore")
    except (UnicodeDecodeError, LookupError) as error:
        raise InputError(
            f"Cannot read dataset {dataset}: {path} is not {options['encoding']} ({error})",
            "Correct `csv.encoding` of the dataset",
        ) from error
    records = csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=options["separator"])
    found: list[list[str]] = []
    for record in records:
        if record:
            found.append(record)
        if len(found) == 2:
            break
    return found
