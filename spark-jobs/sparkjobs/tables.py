"""Reads inputs by their manifest and writes outputs with theirs; folders of inputs are never listed."""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructField, StructType, _parse_datatype_string

from sparkjobs.csv_input import read_csv
from sparkjobs.failure import InputError
from sparkjobs.footers import Footer, check_columns, footers
from sparkjobs.parquet_files import ROWS_PER_FILE, WRITTEN_DDL, HashedStream, task_writer, write_file
from sparkjobs.roots import read_by_root

Manifest = dict[str, Any]
Keep = Callable[[dict[str, str]], bool]


def read(spark: SparkSession, input_: Manifest, keep: Keep | None = None) -> DataFrame:
    """The rows of the files named in a manifest, with the declared columns and types (all when none are declared).

    `keep` gets a file's partition values as text ({"date": "2017-01-31"}) and says whether to read it. Partition
    columns are restored with their declared type. Timestamps without a zone become timestamp_ntz, nanoseconds included.
    Raises InputError, before Spark reads a row, for a file or column that is not as declared.
    """
    dataset = input_["dataset"]
    files = [file for file in input_["files"] if keep is None or keep(file.get("partition") or {})]
    if not files:
        of = f"none of its {len(input_['files'])} partitions is asked for" if input_["files"] else "it has no files"
        raise InputError(f"Cannot read dataset {dataset}: {of}", "Check the days asked for and what was written there")
    if input_["format"] == "csv":
        return read_csv(spark, {**input_, "files": files})
    if input_["format"] != "parquet":
        raise InputError(f"Cannot read dataset {dataset} as a table: its format is {input_['format']}")
    partitions = input_.get("partitionBy") or []
    found = footers(dataset, files)
    check_columns(dataset, found, input_["columns"], partitions)
    columns = input_["columns"] or [
        *({"name": name, "type": type_} for name, type_ in found[0].types.items()),
        *({"name": name, "type": "string"} for name in partitions),
    ]
    schema = _schema(columns, found[0], partitions)
    raw = read_by_root(spark, {**input_, "files": files}, lambda reader, paths: reader.schema(schema).parquet(*paths))
    return raw.select([_typed(column, found[0]).alias(column["name"]) for column in columns])


def _schema(columns: list[dict[str, str]], footer: Footer, partitions: list[str]) -> StructType:
    """What Spark reads: columns as stored, partition columns as declared and last; so Spark infers nothing."""
    stored = [(c["name"], _stored_type(c["name"], footer)) for c in columns if c["name"] not in partitions]
    folders = [(c["name"], c["type"]) for c in columns if c["name"] in partitions]
    return StructType([StructField(name, _parse_datatype_string(type_)) for name, type_ in stored + folders])


def _stored_type(name: str, footer: Footer) -> str:
    return "bigint" if footer.stamps.get(name) == "nanoseconds" else footer.types[name]


def _typed(column: dict[str, str], footer: Footer) -> Column:
    """The column with its declared type; nanoseconds are cut to Spark's microseconds."""
    if footer.stamps.get(column["name"]) == "nanoseconds":
        return F.timestamp_micros(F.expr(f"`{column['name']}` div 1000")).cast(column["type"])
    return F.col(f"`{column['name']}`").cast(column["type"])


def write(df: DataFrame, output: Manifest, carry: Iterable[dict[str, Any]] = ()) -> dict[str, Any]:
    """Write `df` below `output["path"]` and return the output's entry of the result document.

    The same rows give the same files, byte for byte: rows go to files by value and are sorted in them, and files are
    named by position. Declared columns are cast to their types and nothing else is written. Files are Parquet of at
    most a million rows; partitioned outputs have one folder per value. `carry` are files of an earlier version to be
    part of this one unchanged ({path absolute, size, etag, rows, partition}).
    """
    shaped = _declared(df, output)
    partitions = output.get("partitionBy") or []
    columns = [{"name": field.name, "type": field.dataType.simpleString()} for field in shaped.schema.fields]
    schema = to_arrow_schema(shaped.schema)
    kept = shaped if partitions else shaped.persist()
    try:
        write_task = task_writer(output["path"], schema, partitions)
        written = _arranged(kept, partitions).mapInArrow(write_task, WRITTEN_DDL).collect()
    finally:
        if not partitions:
            kept.unpersist()
    files = [_with_partition(row.asDict(), partitions) for row in written]
    if not files and not partitions:
        # A file without rows still says which columns there are.
        files = [write_file(output["path"], "part-0.parquet", schema, [])]
    files += carry
    files.sort(key=lambda file: (str(file.get("partition")), file["path"]))
    return {"files": files, "rows": sum(file["rows"] for file in files), "columns": columns}


def _with_partition(entry: dict[str, Any], partitions: list[str]) -> dict[str, Any]:
    """Adds the partition values, which the names of the folders hold."""
    if not partitions:
        return entry
    pairs = (folder.split("=", 1) for folder in entry["path"].split("/")[:-1])
    return {**entry, "partition": {unquote(name): unquote(value) for name, value in pairs}}


def _declared(df: DataFrame, output: Manifest) -> DataFrame:
    """`df` with the declared columns in their order and types; with none declared, partition columns go last."""
    partitions = output.get("partitionBy") or []
    declared = output["columns"]
    wanted = [column["name"] for column in declared] or [name for name in df.columns if name not in partitions]
    missing = [name for name in [*wanted, *partitions] if name not in df.columns]
    if missing:
        raise InputError(
            f"Cannot write dataset {output['dataset']}: it declares column {missing[0]}, "
            f"the job makes {', '.join(df.columns)}",
            "Correct the columns of the dataset",
        )
    if not declared:
        return df.select([F.col(f"`{name}`") for name in [*wanted, *partitions]])
    return df.select([F.col(f"`{column['name']}`").cast(column["type"]).alias(column["name"]) for column in declared])


def _arranged(df: DataFrame, partitions: list[str]) -> DataFrame:
    """Rows spread by value and sorted, so that neither task timing nor the number of cores shows in the files."""
    order = [F.col(f"`{name}`") for name in [*partitions, *(name for name in df.columns if name not in partitions)]]
    if partitions:
        return df.repartition(*order[: len(partitions)]).sortWithinPartitions(*order)
    count = -(-df.count() // ROWS_PER_FILE)
    spread = df.coalesce(1) if count <= 1 else df.repartition(count, *order)
    return spread.sortWithinPartitions(*order)


def write_folder(folder: Path, output: Manifest) -> dict[str, Any]:
    """Copy a filled local folder to `output["path"]` and return the output's entry: every file, by relative path."""
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    if not names:
        raise RuntimeError(f"Cannot write dataset {output['dataset']}: the job put no file into it")
    files = []
    for name in names:
        # Arrow's copy_files says nothing when the last part of an upload fails.
        with (folder / name).open("rb") as source, HashedStream(f"{output['path'].rstrip('/')}/{name}") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        files.append({"path": name, "size": target.size, "etag": target.etag})
    return {"files": files}
