from math import log2, sqrt
from pathlib import Path

import pytest

from sparkjobs.check_outcome import Published, judge
from sparkjobs.data_checks import DataCheckError, check_outputs
from sparkjobs.drift import Drift
from sparkjobs.failure import InputError, classify
from sparkjobs.job import PROTOCOL, Job
from sparkjobs.progress import Progress
from sparkjobs.tables import write

ROWS = [("ann", 1.0, "gold"), ("bob", 5.0, "gold"), ("cid", None, "blue"), ("dan", 9.0, None)]
COLUMNS = [
    {"name": "entity", "type": "string"},
    {"name": "spend", "type": "double"},
    {"name": "segment", "type": "string"},
]
DDL = "entity string, spend double, segment string"


@pytest.fixture
def checked(spark, tmp_path):
    """Writes rows as a job's output, checks them, and gives the job; `published` are the rows of the version before."""
    progress = Progress(spark.sparkContext, str(tmp_path / "progress.json"))

    def made(checks, rows=ROWS, published=None, sample=None, columns=COLUMNS, partitions=(), gone=False):
        output = {"dataset": "shop", "format": "parquet", "columns": columns, "partitionBy": list(partitions)}
        document = {"protocol": PROTOCOL, "kind": "SparkJob", "settings": {}, "inputs": {}, "previous": {}}
        document |= {"sample": sample, "work": str(tmp_path)}
        if published is not None:
            before = {**output, "path": str(tmp_path / "before")}
            entry = write(spark.createDataFrame(published, DDL), before)
            files = [{**file, "path": f"{before['path']}/{file['path']}"} for file in entry["files"]]
            if gone:
                Path(files[0]["path"]).unlink()
            document["previous"]["out"] = {**before, "version": "v-1", "files": files}
        checks = [{"onFailure": "fail", **check} for check in checks]
        document["outputs"] = {"out": {**output, "path": str(tmp_path / "now"), "checks": checks}}
        job = Job(document, spark, progress)
        job.write("out", spark.createDataFrame(rows, DDL))
        check_outputs(job)
        return job

    return made


NULLS = {"rule": "nulls", "column": "spend"}
RANGE = {"rule": "range", "column": "spend"}
UNIQUE = {"rule": "unique"}
CHANGE = {"rule": "rowChange", "atMost": 0.5}
DRIFT = {"rule": "drift", "column": "segment"}


HELD = [
    ({**NULLS, "column": "entity"}, "none"),
    ({**NULLS, "atMost": 0.25}, "0.25 (1 of 4 rows)"),
    ({**RANGE, "min": 1, "max": 9}, "1 to 9"),
    ({**UNIQUE, "columns": ["entity"]}, "no copies"),
    ({**UNIQUE, "columns": ["segment", "spend"]}, "no copies"),
    ({"rule": "rows", "min": 4, "max": 4}, "4"),
    (CHANGE, "+0.3333 (3 to 4)"),
    ({**DRIFT, "atMost": 0.5}, "0.3714"),
]


def test_what_holds_passes_and_is_in_the_table(checked):
    job = checked([check for check, _ in HELD], published=ROWS[:3])

    [table] = job.tables
    assert (table["title"], table["columns"]) == ("Checks of shop", ["rule", "found", "bound", "verdict"])
    assert [(row[1], row[3]) for row in table["rows"]] == [(found, "passes") for _, found in HELD]
    assert job.notes == []
    assert job.outputs["out"]["checked"] == len(HELD)


BROKEN = [
    (NULLS, "nulls of spend: found 0.25 (1 of 4 rows), expected at most 0"),
    ({**NULLS, "atMost": 0.2}, "nulls of spend: found 0.25 (1 of 4 rows), expected at most 0.2"),
    ({**RANGE, "min": 2}, "range of spend: found 1 to 9, 1 of 4 rows outside, expected from 2"),
    ({**RANGE, "max": 4.5}, "range of spend: found 1 to 9, 2 of 4 rows outside, expected to 4.5"),
    ({**UNIQUE, "columns": ["segment"]}, "unique segment: found 1 row too many, expected no copies"),
    ({"rule": "rows", "min": 5}, "rows: found 4, expected from 5"),
    ({"rule": "rows", "max": 3}, "rows: found 4, expected to 3"),
    ({**CHANGE, "atMost": 0.3}, "rowChange: found +0.3333 (3 to 4), expected at most 0.3"),
    ({**DRIFT, "atMost": 0.2}, "drift of segment: found 0.3714, most by null: share 0 to 0.25, expected at most 0.2"),
]


def test_what_does_not_hold_warns_when_asked_to(checked):
    job = checked([{**check, "onFailure": "warn"} for check, _ in BROKEN], published=ROWS[:3])

    assert job.notes == [f"shop: {said}" for _, said in BROKEN]
    assert {row[3] for row in job.tables[0]["rows"]} == {"warns"}


def test_what_does_not_hold_fails_with_every_reason_and_is_never_retried(checked, capsys):
    checks = [check for check, _ in BROKEN]
    with pytest.raises(DataCheckError) as error:
        checked([*checks, {"rule": "rows", "min": 1}], published=ROWS[:3])

    failure = classify(error.value)
    assert failure.class_ == "ConfigError"
    assert failure.message == f"Cannot publish shop: {'; '.join(said for _, said in BROKEN)}"
    assert failure.remedy == "Correct the data or the job, or the checks of dataset shop, then run again"
    assert "check of shop: rows: found 4, expected from 1 (passes)" in capsys.readouterr().err


def test_null_and_not_a_number(checked):
    rows = [("ann", float("nan"), None), ("ann", 1.0, None)]
    job = checked(
        [
            {**NULLS, "onFailure": "warn"},
            {**RANGE, "min": 0, "onFailure": "warn"},
            {**UNIQUE, "columns": ["entity", "segment"], "onFailure": "warn"},
        ],
        rows,
    )

    assert [row[1] for row in job.tables[0]["rows"]] == [
        "none",
        "1 to not a number, 1 of 2 rows outside",
        "1 row too many",
    ]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, "there is no published version to compare with"),
        ({"published": ROWS, "sample": {"fraction": 0.1, "seed": 7}}, "a sample is not compared with the published"),
        ({"published": []}, "the published version has no rows"),
    ],
)
def test_without_a_version_to_compare_with_changes_are_passed_over(checked, more, why):
    job = checked([{**CHANGE, "atMost": 0}, {**DRIFT, "atMost": 0}], **more)

    assert [row[1:] for row in job.tables[0]["rows"]] == [[None, "at most 0", "passed over"]] * 2
    assert len(job.notes) == 2
    assert job.notes[0].startswith(f"shop: rowChange is passed over: {why}")


def test_a_published_version_that_is_gone_keeps_nothing_from_taking_its_place(checked):
    job = checked([CHANGE], published=ROWS, gone=True)

    assert job.notes[0].startswith("shop: rowChange is passed over: the published version can't be read: ")
    assert job.notes[0].endswith("part-0.parquet is not there any more")


def test_no_rows_have_no_nulls_and_no_copies_but_have_all_changed(checked):
    checks = [NULLS, {**RANGE, "min": 2}, {**UNIQUE, "columns": ["entity"]}, {**CHANGE, "atMost": 1}]
    job = checked([*checks, {**DRIFT, "atMost": 1}], [], published=ROWS)

    found = ["none", "no values", "no copies", "-1 (4 to 0)", "1"]
    assert [row[1] for row in job.tables[0]["rows"]] == found


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ({**NULLS, "column": "name"}, "Cannot check dataset shop: it has no column name, only entity, spend, segment"),
        ({**RANGE, "column": "segment", "min": 0}, "range of column segment of dataset shop: it is string, not a num"),
    ],
)
def test_undeclared_columns_are_looked_for_in_the_rows(checked, check, message):
    with pytest.raises(InputError, match=message):
        checked([check], columns=[])


def test_drift_of_several_columns_is_the_jensen_shannon_distance(checked):
    before = [("ann", 1.0, "gold"), ("bob", 2.0, "gold"), ("cid", 3.0, "blue"), ("dan", 4.0, "blue")]
    now = [("ann", 1.0, "gold"), ("bob", 2.0, "gold"), ("cid", 3.0, "gold"), ("dan", 4.0, "blue")]
    checks = [{**DRIFT, "atMost": 1}, {**DRIFT, "column": "entity", "atMost": 0}]

    job = checked(checks, now, published=before)

    gold = 0.75 * log2(0.75 / 0.625) + 0.5 * log2(0.5 / 0.625)
    blue = 0.25 * log2(0.25 / 0.375) + 0.5 * log2(0.5 / 0.375)
    assert [row[1] for row in job.tables[0]["rows"]] == [f"{sqrt((gold + blue) / 2):.4g}", "0"]


def test_partitions_are_read_as_one(checked):
    checks = [{**DRIFT, "atMost": 1}, {**DRIFT, "column": "entity", "atMost": 1}, {"rule": "rows", "max": 3}]

    job = checked(checks, ROWS[:3], published=ROWS[:2], partitions=["segment"])

    assert [row[1] for row in job.tables[0]["rows"]] == ["0.4369", "0.4369", "3"]


def test_judge_passes_a_change_at_its_bound():
    check = {"rule": "rowChange", "atMost": 0.5, "onFailure": "fail"}
    assert judge(check, 6, {}, Published(4, {})).verdict == "passes"
    assert judge(check, 7, {}, Published(4, {})).verdict == "fails"
    drift = {**DRIFT, "atMost": 0.1, "onFailure": "warn"}
    assert judge(drift, 6, {}, Published(4, {"segment": Drift(0.1)})).verdict == "passes"
    assert judge(drift, 6, {}, Published(4, {"segment": Drift(0.11)})).verdict == "warns"
