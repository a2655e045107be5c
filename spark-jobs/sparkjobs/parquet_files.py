"""Writes sorted rows as Parquet files from the tasks that hold them, and tells name, size, digest and rows of each.

Spark's own writer puts the encodings of a column into the footer in an order that changes with every JVM, so the same
rows never give the same bytes twice. Arrow's does not, and a file is known to the manifest the moment it is closed:
no renames, no listing, no second read for the digest.
"""

import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark import TaskContext

from sparkjobs.documents import locate, make_folder

ROWS_PER_FILE = 1_000_000
ROWS_PER_GROUP = 100_000
# What Hive, Spark and Arrow call the folder of a null.
NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
WRITTEN = pa.schema([("path", pa.string()), ("size", pa.int64()), ("etag", pa.string()), ("rows", pa.int64())])
WRITTEN_DDL = "path string, size bigint, etag string, rows bigint"


class HashedStream(io.RawIOBase):
    """A write-only stream that counts and digests what passes through it."""

    def __init__(self, uri: str):
        super().__init__()
        filesystem, path = locate(uri)
        make_folder(filesystem, path.rsplit("/", 1)[0])
        self._stream = filesystem.open_output_stream(path)
        self._digest = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        piece = memoryview(data).cast("B")
        self._stream.write(piece)
        self._digest.update(piece)
        self.size += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self.size

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()

    @property
    def etag(self) -> str:
        return f"sha256:{self._digest.hexdigest()}"


def write_file(root: str, name: str, schema: pa.Schema, tables: Iterable[pa.Table]) -> dict[str, Any]:
    """One file below `root` with row groups of a fixed number of rows, whatever the pieces were; returns its entry."""
    stream = HashedStream(f"{root.rstrip('/')}/{name}")
    rows = 0
    with stream, pq.ParquetWriter(stream, schema, compression="snappy", store_schema=False) as writer:
        pending: list[pa.Table] = []
        held = 0
        for table in tables:
            pending.append(table)
            held += table.num_rows
            rows += table.num_rows
            while held >= ROWS_PER_GROUP:
                whole = pa.concat_tables(pending)
                writer.write_table(whole.slice(0, ROWS_PER_GROUP), row_group_size=ROWS_PER_GROUP)
                pending, held = [whole.slice(ROWS_PER_GROUP)], held - ROWS_PER_GROUP
        if held or rows == 0:
            writer.write_table(pa.concat_tables(pending) if pending else schema.empty_table())
    return {"path": name, "size": stream.size, "etag": stream.etag, "rows": rows}


def task_writer(root: str, schema: pa.Schema, partitions: list[str]):
    """Function for mapInArrow: rows sorted by the partition columns in, one row of WRITTEN per file out.

    Without partition columns a task writes the file of its own number; with them one file per value, so all rows of a
    value must be in one task.
    """
    stored = pa.schema([field for field in schema if field.name not in partitions])

    def write(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        context = TaskContext.get()
        number = context.partitionId() if context is not None and not partitions else 0
        for folder, tables in _runs(_pieces(batches, partitions), stored):
            for part, piece in enumerate(_cut(tables)):
                name = f"{folder}part-{number}{f'-{part}' if part else ''}.parquet"
                yield pa.RecordBatch.from_pylist([write_file(root, name, stored, piece)], schema=WRITTEN)

    return write


def _pieces(batches: Iterator[pa.RecordBatch], partitions: list[str]) -> Iterator[tuple[str, pa.Table]]:
    """Each batch cut where the partition value changes, with the folder of the value."""
    for batch in batches:
        if batch.num_rows == 0:
            continue
        table = pa.Table.from_batches([batch])
        folders = _folders(table, partitions)
        starts = [0]
        if partitions:
            changes = pc.not_equal(folders.slice(1), folders.slice(0, len(folders) - 1))
            starts += [index + 1 for index in pc.indices_nonzero(changes).to_pylist()]
        for start, end in zip(starts, [*starts[1:], table.num_rows], strict=True):
            yield (folders[start].as_py() if partitions else ""), table.slice(start, end - start)


def _folders(table: pa.Table, partitions: list[str]) -> pa.Array:
    """Per row the folder of its partition values, such as date=2017-01-31/."""
    whole = pa.array([""] * table.num_rows)
    for name in partitions:
        values = table.column(name).combine_chunks().cast(pa.string()).fill_null("").dictionary_encode()
        # A folder can't be named by nothing, so empty text becomes null, as it does in Spark.
        names = [value or NULL_PARTITION for value in values.dictionary.to_pylist()]
        safe = pa.array([f"{_escaped(name)}={_escaped(value)}/" for value in names])
        whole = pc.binary_join_element_wise(whole, safe.take(values.indices), "")
    return whole


def _escaped(text: str) -> str:
    """Text as part of a folder's name: what Hive and Spark escape, as %XX; other characters stay as they are."""
    return re.sub(r"[\x00-\x1f\x7f\"#%'*/:=?\\{}\[\]^]", lambda found: f"%{ord(found[0]):02X}", text)


def _runs(pieces: Iterator[tuple[str, pa.Table]], stored: pa.Schema) -> Iterator[tuple[str, Iterator[pa.Table]]]:
    """Neighbouring pieces of one folder together, with the stored columns only."""
    current = next(pieces, None)
    while current is not None:
        folder = current[0]

        def run(folder: str = folder) -> Iterator[pa.Table]:
            nonlocal current
            while current is not None and current[0] == folder:
                yield current[1].select(stored.names).cast(stored)
                current = next(pieces, None)

        yield folder, run()


def _cut(tables: Iterator[pa.Table]) -> Iterator[Iterator[pa.Table]]:
    """The tables of one folder, a new stream after ROWS_PER_FILE rows."""
    ahead = next(tables, None)

    def one_file() -> Iterator[pa.Table]:
        nonlocal ahead
        room = ROWS_PER_FILE
        while ahead is not None and room > 0:
            here, rest = ahead.slice(0, room), ahead.slice(room)
            room -= here.num_rows
            yield here
            ahead = rest if rest.num_rows else next(tables, None)

    while ahead is not None:
        yield one_file()
