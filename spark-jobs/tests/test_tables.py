import hashlib
from datetime import date, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F
from pyspark.testing import assertDataFrameEqual

from sparkjobs import tables
from sparkjobs.failure import InputError, classify

LINE_COLUMNS = [{"name": "id", "type": "bigint"}, {"name": "at", "type": "timestamp_ntz"}]


def manifest(*paths: Path, columns=(), format_="parquet", **more):
    files = [{"path": str(path), "size": path.stat().st_size, "etag": "-"} for path in paths]
    return {"dataset": "raw", "version": "v", "format": format_, "columns": list(columns), "files": files, **more}


def output(path: Path, columns=(), partition_by=()):
    return {"dataset": "made", "format": "parquet", "columns": list(columns), "partitionBy": list(partition_by)} | {
        "path": str(path)
    }


def parquet(path: Path, version="2.6", **columns) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, version=version)
    return path


def reread(made, out):
    files = [{**file, "path": f"{out['path']}/{file['path']}"} for file in made["files"]]
    return {**out, "version": "v", "columns": made["columns"], "files": files}


def test_nanoseconds_become_wall_clock_times(spark, tmp_path):
    at = pa.array([datetime(2017, 3, 12, 2, 30, 1)], pa.timestamp("ns"))
    file = parquet(tmp_path / "a.parquet", id=pa.array([1]), at=at)

    found = tables.read(spark, manifest(file, columns=LINE_COLUMNS))

    assert found.dtypes == [("id", "bigint"), ("at", "timestamp_ntz")]
    assert found.collect() == [(1, datetime(2017, 3, 12, 2, 30, 1))]


def test_old_int96_times_may_be_declared_as_wall_clock(spark, tmp_path):
    at = pa.array([datetime(2017, 3, 12, 2, 30)], pa.timestamp("ns"))
    pq.write_table(pa.table({"id": [1], "at": at}), tmp_path / "a.parquet", use_deprecated_int96_timestamps=True)

    found = tables.read(spark, manifest(tmp_path / "a.parquet", columns=LINE_COLUMNS))

    assert found.collect() == [(1, datetime(2017, 3, 12, 2, 30))]


def test_a_file_beside_those_of_the_manifest_is_not_read(spark, tmp_path):
    listed = parquet(tmp_path / "a.parquet", id=pa.array([1]))
    parquet(tmp_path / "b.parquet", id=pa.array([2]))

    assert tables.read(spark, manifest(listed)).collect() == [(1,)]


def test_a_missing_column_is_named_with_the_nearest(spark, tmp_path):
    file = parquet(tmp_path / "a.parquet", idd=pa.array([1]))

    with pytest.raises(InputError, match=r"column id is missing in .*a\.parquet, which has idd") as error:
        tables.read(spark, manifest(file, columns=[{"name": "id", "type": "bigint"}]))
    assert error.value.remedy.startswith("Did you mean idd?")


def test_another_type_is_named(spark, tmp_path):
    file = parquet(tmp_path / "a.parquet", id=pa.array(["x"]))

    with pytest.raises(InputError, match=r"column id is string in .*a\.parquet, declared as bigint"):
        tables.read(spark, manifest(file, columns=[{"name": "id", "type": "bigint"}]))


def test_a_narrower_type_is_widened(spark, tmp_path):
    file = parquet(tmp_path / "a.parquet", id=pa.array([7], pa.int32()))

    assert tables.read(spark, manifest(file, columns=[{"name": "id", "type": "bigint"}])).collect() == [(7,)]


def test_mixed_schemas_name_column_and_both_files(spark, tmp_path):
    one = parquet(tmp_path / "a.parquet", id=pa.array([1]))
    two = parquet(tmp_path / "b.parquet", id=pa.array(["1"]))

    with pytest.raises(InputError, match=r"differ in column id: bigint in .*a\.parquet, string in .*b\.parquet"):
        tables.read(spark, manifest(one, two))


def test_an_empty_table_is_refused(spark, tmp_path):
    file = parquet(tmp_path / "a.parquet", id=pa.array([], pa.int64()))

    with pytest.raises(InputError, match="it has no rows"):
        tables.read(spark, manifest(file))


def test_a_file_that_is_no_parquet_is_refused_before_spark_reads(spark, tmp_path):
    file = tmp_path / "a.parquet"
    file.write_bytes(b"PAR1 not really")

    with pytest.raises(InputError, match=r"a\.parquet is not a readable Parquet file"):
        tables.read(spark, manifest(file))


def test_a_file_gone_or_changed_since_it_was_pinned_is_refused(spark, tmp_path):
    file = parquet(tmp_path / "a.parquet", id=pa.array([1]))
    pinned = manifest(file)
    parquet(tmp_path / "a.parquet", id=pa.array(list(range(1000))))
    with pytest.raises(InputError, match="when it was pinned"):
        tables.read(spark, pinned)
    file.unlink()
    with pytest.raises(InputError, match="is not there any more"):
        tables.read(spark, pinned)


def test_csv_follows_its_options_and_declared_types(spark, tmp_path):
    file = tmp_path / "a.csv"
    file.write_bytes("Käufer;Tag;Betrag\nä1;2024-02-29;1.5\nb;NA;NA\n".encode("latin-1"))
    declared = [("Betrag", "double"), ("Käufer", "string"), ("Tag", "date")]
    columns = [{"name": name, "type": type_} for name, type_ in declared]
    csv = {"separator": ";", "header": True, "nullValue": "NA", "encoding": "ISO-8859-1"}

    found = tables.read(spark, manifest(file, columns=columns, format_="csv", csv=csv))

    assert found.dtypes == declared
    assert found.collect() == [(1.5, "ä1", date(2024, 2, 29)), (None, "b", None)]


def test_a_csv_value_that_does_not_parse_names_column_and_value(spark, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("id,amount\n1,2.5\n2,x[1]y\n")
    columns = [{"name": "id", "type": "int"}, {"name": "amount", "type": "double"}]
    frame = tables.read(spark, manifest(file, columns=columns, format_="csv"))

    with pytest.raises(Exception) as error:  # noqa: PT011 - what Spark raises is judged by classify
        frame.collect()

    failure = classify(error.value)
    assert failure.class_ == "ConfigError"
    assert failure.message == "Cannot read dataset raw: column amount holds 'x(1)y', which is no double"


@pytest.mark.parametrize("line", ["1,2,3", "1"])
def test_a_csv_line_of_another_length_names_file_and_line(spark, tmp_path, line):
    file = tmp_path / "a.csv"
    file.write_text(f"id,amount\n5,6\n{line}\n")
    columns = [{"name": "id", "type": "string"}, {"name": "amount", "type": "string"}]
    frame = tables.read(spark, manifest(file, columns=columns, format_="csv"))

    with pytest.raises(Exception) as error:  # noqa: PT011 - what Spark raises is judged by classify
        frame.collect()

    failure = classify(error.value)
    assert failure.class_ == "ConfigError"
    assert failure.message.startswith("Cannot read a line of file:")
    assert "a.csv: " in failure.message
    assert failure.message.endswith(f"Malformed CSV record: {line}")


def test_csv_headers_that_lack_a_column_or_differ_are_refused(spark, tmp_path):
    (tmp_path / "a.csv").write_text("id,amount\n1,2\n")
    (tmp_path / "b.csv").write_text("id,price\n1,2\n")
    one, two = tmp_path / "a.csv", tmp_path / "b.csv"

    with pytest.raises(InputError, match=r"column amounts is missing in .*a\.csv, which has amount, id"):
        tables.read(spark, manifest(one, columns=[{"name": "amounts", "type": "int"}], format_="csv"))
    with pytest.raises(InputError, match=r"a\.csv has the columns id, amount, .*b\.csv has id, price"):
        tables.read(spark, manifest(one, two, format_="csv"))


def test_a_csv_with_only_a_header_is_empty(spark, tmp_path):
    (tmp_path / "a.csv").write_text("id,amount\n")

    with pytest.raises(InputError, match="it has no rows"):
        tables.read(spark, manifest(tmp_path / "a.csv", format_="csv"))


def sales(spark, copies=1):
    rows = [(f"e{i % 7}", i / 3, date(2024, 1, 1 + i % 3), datetime(2024, 1, 1, i % 24)) for i in range(500 * copies)]
    return spark.createDataFrame(rows, "entity string, amount double, day date, at timestamp_ntz")


def test_the_same_rows_in_any_order_give_the_same_bytes(spark, tmp_path):
    frame = sales(spark)
    for partition_by in ([], ["day"]):
        entries = [
            tables.write(shuffled, output(tmp_path / f"{partition_by}{number}", partition_by=partition_by))
            for number, shuffled in enumerate([frame.repartition(5), frame.orderBy(F.rand(3)).repartition(2)])
        ]
        assert entries[0] == entries[1]


def test_an_entry_tells_size_digest_rows_and_partition_of_each_file(spark, tmp_path):
    out = output(tmp_path / "out", partition_by=["day"])

    made = tables.write(sales(spark), out)

    assert [file["partition"] for file in made["files"]] == [{"day": f"2024-01-0{day}"} for day in (1, 2, 3)]
    assert sum(file["rows"] for file in made["files"]) == made["rows"] == 500
    assert [column["name"] for column in made["columns"]] == ["entity", "amount", "at", "day"]
    for file in made["files"]:
        content = (tmp_path / "out" / file["path"]).read_bytes()
        assert (file["size"], file["etag"]) == (len(content), f"sha256:{hashlib.sha256(content).hexdigest()}")
        assert pq.ParquetFile(tmp_path / "out" / file["path"]).metadata.num_rows == file["rows"]
        assert "day" not in pq.read_schema(tmp_path / "out" / file["path"]).names
    on_disk = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*"))
    assert on_disk == [file["path"] for file in made["files"]]


def test_what_was_written_reads_back_with_its_types_and_prunes(spark, tmp_path):
    out = output(tmp_path / "out", partition_by=["day"])
    frame = sales(spark)
    made = reread(tables.write(frame, out), out)

    assertDataFrameEqual(tables.read(spark, made).select(frame.columns), frame)
    pruned = tables.read(spark, made, keep=lambda partition: partition["day"] < "2024-01-02")
    assert [row.day for row in pruned.select("day").distinct().collect()] == [date(2024, 1, 1)]
    with pytest.raises(InputError, match="none of its 3 partitions is asked for"):
        tables.read(spark, made, keep=lambda _: False)


def test_partition_values_with_odd_characters_and_nulls_survive(spark, tmp_path):
    out = output(tmp_path / "out", partition_by=["kind"])
    frame = spark.createDataFrame([(1, "a b/c=d%"), (2, None), (3, "é:*")], "id int, kind string")

    made = reread(tables.write(frame, out), out)

    assertDataFrameEqual(tables.read(spark, made), frame)


def test_files_of_an_earlier_version_are_carried_and_read(spark, tmp_path):
    early, late = output(tmp_path / "early", partition_by=["day"]), output(tmp_path / "late", partition_by=["day"])
    frame = sales(spark)
    old = tables.write(frame.filter("day < '2024-01-03'"), early)
    carry = [{**file, "path": f"{early['path']}/{file['path']}"} for file in old["files"]]

    made = tables.write(frame.filter("day = '2024-01-03'"), late, carry)

    files = [
        file if file["path"].startswith("/") else {**file, "path": f"{late['path']}/{file['path']}"}
        for file in made["files"]
    ]
    whole = {**late, "version": "v", "columns": made["columns"], "files": files}
    assert made["rows"] == 500
    assertDataFrameEqual(tables.read(spark, whole).select(frame.columns), frame)


def test_large_outputs_are_cut_into_files(spark, tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "ROWS_PER_FILE", 100)
    out = output(tmp_path / "out")

    made = tables.write(sales(spark), out)

    assert len(made["files"]) > 1
    assertDataFrameEqual(tables.read(spark, reread(made, out)), sales(spark))


def test_declared_columns_are_cast_ordered_and_required(spark, tmp_path):
    columns = [{"name": "amount", "type": "int"}, {"name": "entity", "type": "string"}]

    made = tables.write(sales(spark), output(tmp_path / "out", columns))

    assert made["columns"] == columns
    with pytest.raises(InputError, match="declares column weight, the job makes entity, amount, day, at"):
        tables.write(sales(spark), output(tmp_path / "no", [{"name": "weight", "type": "int"}]))


def test_no_rows_still_make_a_file_with_columns(spark, tmp_path):
    made = tables.write(sales(spark).filter("false"), output(tmp_path / "out"))

    assert made["rows"] == 0
    assert list(pd.read_parquet(tmp_path / "out" / made["files"][0]["path"]).columns) == [
        "entity",
        "amount",
        "day",
        "at",
    ]
