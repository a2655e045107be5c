"""Looks at the files of an input before Spark does, so that what is wrong is said with file and column."""

import difflib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from sparkjobs.documents import locate
from sparkjobs.failure import InputError

# What a declared type also accepts, because every value of the other fits into it.
WIDENINGS = {
    "int": {"smallint", "tinyint"},
    "bigint": {"int", "smallint", "tinyint"},
    "double": {"float", "int", "smallint", "tinyint"},
}


@dataclass(frozen=True)
class Footer:
    """What a Parquet file says about itself: rows, Spark type by column, and how unusual timestamps are stored.

    `stamps` maps a column to "nanoseconds" or "INT96" (an older form that does not say whether it is an instant).
    """

    path: str
    rows: int
    types: dict[str, str]
    stamps: dict[str, str]


def footers(dataset: str, files: list[dict[str, Any]]) -> list[Footer]:
    """Footer of each file, in order. Raises InputError for a file that is gone, has changed or is no Parquet file."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        return list(pool.map(lambda file: footer(dataset, file), files))


def footer(dataset: str, file: dict[str, Any]) -> Footer:
    """Footer of one file of a manifest."""
    check_file(dataset, file)
    filesystem, path = locate(file["path"])
    try:
        with filesystem.open_input_file(path) as stream:
            parquet = pq.ParquetFile(stream)
            schema, rows = parquet.schema_arrow, parquet.metadata.num_rows
            physical = {column.path: column.physical_type for column in map(parquet.schema.column, _range(parquet))}
    except pa.ArrowInvalid as error:
        raise InputError(
            f"Cannot read dataset {dataset}: {file['path']} is not a readable Parquet file ({_first_line(error)})",
            "Replace the file, or correct `format` of the dataset",
        ) from error
    types = {field.name: spark_type(field.type) for field in schema}
    stamps = {}
    for field in schema:
        if physical.get(field.name) == "INT96":
            # As Spark itself takes it when nothing is declared.
            types[field.name] = "timestamp"
            stamps[field.name] = "INT96"
        elif pa.types.is_timestamp(field.type) and field.type.unit == "ns":
            stamps[field.name] = "nanoseconds"
    return Footer(file["path"], rows, types, stamps)


def check_file(dataset: str, file: dict[str, Any]) -> None:
    """Raises InputError unless the file is there with the size that was pinned."""
    filesystem, path = locate(file["path"])
    info = filesystem.get_file_info(path)
    if info.type != fs.FileType.File:
        raise InputError(
            f"Cannot read dataset {dataset}: {file['path']} is not there any more",
            "Restore the file, or start a new run, which pins what is there now",
        )
    if info.size != file["size"]:
        raise InputError(
            f"Cannot read dataset {dataset}: {file['path']} has {info.size} bytes, {file['size']} when it was pinned",
            "Start a new run, which pins what is there now",
        )


def check_columns(dataset: str, found: list[Footer], declared: list[dict[str, str]], partitions: list[str]) -> None:
    """Raises InputError when the files differ among themselves, lack a declared column, or hold no row.

    Only declared columns are compared where there are any: what nobody reads may differ.
    """
    wanted = [column["name"] for column in declared if column["name"] not in partitions]
    first = found[0]
    for other in found[1:]:
        for name in wanted or sorted(first.types.keys() | other.types.keys()):
            here, there = _physical(first, name), _physical(other, name)
            if here != there:
                raise InputError(
                    f"Cannot read dataset {dataset}: its files differ in column {name}: {here} in {first.path}, "
                    f"{there} in {other.path}",
                    "Write the files of one dataset with one schema",
                )
    for column in declared:
        if column["name"] not in partitions:
            _check_column(dataset, first, column)
    if sum(one.rows for one in found) == 0:
        raise InputError(
            f"Cannot read dataset {dataset}: it has no rows ({len(found)} file{'s' * (len(found) > 1)}, "
            f"such as {first.path})",
            "Check what was written there",
        )


def _check_column(dataset: str, file: Footer, column: dict[str, str]) -> None:
    name, declared = column["name"], column["type"]
    actual = file.types.get(name)
    if actual is None:
        raise missing_column(dataset, file.path, name, list(file.types))
    if file.stamps.get(name) == "INT96" and declared == "timestamp_ntz":
        return
    if actual != declared and actual not in WIDENINGS.get(declared, set()):
        raise InputError(
            f"Cannot read dataset {dataset}: column {name} is {actual} in {file.path}, declared as {declared}",
            f"Declare it as {actual}, or write the file with {declared}",
        )


def missing_column(dataset: str, path: str, name: str, there: list[str]) -> InputError:
    """The error for a column that a file lacks, with what it has and the nearest name."""
    near = difflib.get_close_matches(name, there, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    shown = ", ".join(sorted(there)[:20]) + (", …" if len(there) > 20 else "")
    return InputError(
        f"Cannot read dataset {dataset}: column {name} is missing in {path}, which has {shown}",
        f"{hint}Correct the columns of the dataset, or the file",
    )


def spark_type(type_: pa.DataType) -> str:
    """Spark's simple name of an Arrow type; for one without a counterpart Arrow's own name, which matches nothing."""
    if pa.types.is_dictionary(type_):
        return spark_type(type_.value_type)
    if pa.types.is_timestamp(type_):
        return "timestamp_ntz" if type_.tz is None else "timestamp"
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        return f"array<{spark_type(type_.value_type)}>"
    if pa.types.is_decimal(type_):
        return f"decimal({type_.precision},{type_.scale})"
    return _PLAIN.get(str(type_), str(type_))


_PLAIN = {
    "bool": "boolean",
    "int8": "tinyint",
    "int16": "smallint",
    "int32": "int",
    "int64": "bigint",
    "float": "float",
    "double": "double",
    "string": "string",
    "large_string": "string",
    "date32[day]": "date",
    "binary": "binary",
}


def _physical(file: Footer, name: str) -> str:
    """Type of a column as stored; its form counts, because Spark can't read two forms in one go."""
    return file.types.get(name, "absent") + (f" in {file.stamps[name]}" if name in file.stamps else "")


def _range(parquet: pq.ParquetFile) -> range:
    return range(len(parquet.schema))


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
