"""Checks that a dataset declares, made of the rows a job has written, before anybody may read them."""

import sys
from typing import TYPE_CHECKING, Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkjobs.check_outcome import Before, Check, Outcome, Published, judge
from sparkjobs.drift import Drift, drifts
from sparkjobs.failure import InputError, classify
from sparkjobs.footers import footers
from sparkjobs.tables import read

if TYPE_CHECKING:
    from sparkjobs.job import Job

NUMBERS = ("tinyint", "smallint", "int", "bigint", "float", "double")
SAMPLED = "a sample is not compared with the published version"
UNPUBLISHED = "there is no published version to compare with"


class DataCheckError(InputError):
    """Rows that a job wrote are not as the checks of their dataset demand."""


def check_outputs(job: "Job") -> None:
    """Check what `job` has written; a table per dataset, and a note for what warns or is passed over, go to its result.

    All checks of all outputs are made before DataCheckError names those that fail.
    """
    failed = []
    for role, output in job.document["outputs"].items():
        if not output.get("checks") or role not in job.outputs:
            continue
        dataset = output["dataset"]
        job.stage(f"checking {dataset}")
        outcomes = _outcomes(job, role, output)
        # Where a check fails there is no result to hold the table.
        for outcome in outcomes:
            print(f"check of {dataset}: {outcome.said} ({outcome.verdict})", file=sys.stderr, flush=True)
        rows = [(outcome.rule, outcome.found, outcome.bound, outcome.verdict) for outcome in outcomes]
        job.outputs[role]["checked"] = len(outcomes)
        job.table(f"Checks of {dataset}", ["rule", "found", "bound", "verdict"], rows)
        for outcome in outcomes:
            if outcome.verdict in ("warns", "passed over"):
                job.note(f"{dataset}: {outcome.said}")
        if told := [outcome.said for outcome in outcomes if outcome.verdict == "fails"]:
            failed.append((dataset, "; ".join(told)))
    if failed:
        names = ", ".join(dataset for dataset, _ in failed)
        raise DataCheckError(
            f"Cannot publish {'; '.join(f'{dataset}: {told}' for dataset, told in failed)}",
            f"Correct the data or the job, or the checks of dataset {names}, then run again",
        )


def _outcomes(job: "Job", role: str, output: dict[str, Any]) -> list[Outcome]:
    checks, dataset, rows = output["checks"], output["dataset"], job.outputs[role]["rows"]
    # Reading no files would be refused, and in no rows there is nothing to find.
    frame = job.written(role) if rows > 0 else None
    values = [{}] * len(checks) if frame is None else measure(dataset, frame, checks)
    before = SAMPLED if job.sample else _before(frame, rows, job.previous(role), checks)
    return [judge(check, rows, found, before) for check, found in zip(checks, values, strict=True)]


def measure(dataset: str, frame: DataFrame, checks: list[Check]) -> list[dict[str, Any]]:
    """What the rows say to each check of nulls, range and unique, in one pass over `frame`; {} to the other rules.

    Raises InputError for a column that is not there, or whose values are no numbers and should be in a range.
    """
    wanted = [_measures(dataset, frame, check) for check in checks]
    columns = [value.alias(f"{i}.{name}") for i, values in enumerate(wanted) for name, value in values.items()]
    if not columns:
        return [{} for _ in checks]
    row = frame.agg(*columns).collect()[0].asDict()
    return [{name: row[f"{i}.{name}"] for name in values} for i, values in enumerate(wanted)]


def _measures(dataset: str, frame: DataFrame, check: Check) -> dict[str, Column]:
    types = dict(frame.dtypes)
    for name in check.get("columns") or [check.get("column")]:
        if name is not None and name not in types:
            raise InputError(
                f"Cannot check dataset {dataset}: it has no column {name}, only {', '.join(types)}",
                "Correct checks of the dataset",
            )
    if check["rule"] == "unique":
        # A struct is never null, so that rows without a value count, too.
        return {"distinct": F.count_distinct(F.struct(*[F.col(f"`{name}`") for name in check["columns"]]))}
    if check["rule"] == "nulls":
        return {"nulls": F.count_if(F.col(f"`{check['column']}`").isNull())}
    if check["rule"] != "range":
        return {}
    value, type_ = F.col(f"`{check['column']}`"), types[check["column"]]
    if type_ not in NUMBERS:
        message = (
            f"Cannot check the range of column {check['column']} of dataset {dataset}: it is {type_}, not a number"
        )
        raise InputError(message, "Correct checks of the dataset")
    # Not a number is in no range; Spark holds it greater than any.
    outside = F.isnan(value.cast("double"))
    if check.get("min") is not None:
        outside = outside | (value < check["min"])
    if check.get("max") is not None:
        outside = outside | (value > check["max"])
    return {"min": F.min(value), "max": F.max(value), "outside": F.count_if(outside)}


def _before(frame: DataFrame | None, rows: int, previous: dict[str, Any] | None, checks: list[Check]) -> Before:
    """The published version, as far as the checks ask for it, or why it cannot be compared with."""
    if previous is None or not any(check["rule"] in ("rowChange", "drift") for check in checks):
        return UNPUBLISHED
    columns = list(dict.fromkeys(check["column"] for check in checks if check["rule"] == "drift"))
    try:
        before = sum(footer.rows for footer in footers(previous["dataset"], previous["files"]))
        if before == 0:
            return "the published version has no rows"
        if frame is None:
            return Published(before, {name: Drift(1.0) for name in columns})
        return Published(before, _drifts(frame, previous, columns, (rows, before)) if columns else {})
    except Exception as error:
        # What is published is only compared with: it must not keep a sound version from taking its place.
        failure = classify(error)
        if failure.class_ == "OutOfMemory":
            raise
        return f"the published version can't be read: {failure.message}"


def _drifts(
    frame: DataFrame, previous: dict[str, Any], columns: list[str], rows: tuple[int, int]
) -> dict[str, Drift] | str:
    # Only these columns, so that one declared since does not stand in the way.
    declared = [column for column in previous["columns"] if column["name"] in columns]
    published = read(frame.sparkSession, {**previous, "columns": declared})
    missing = [name for name in columns if name not in published.columns]
    if missing:
        return f"the published version has no column {missing[0]}"
    return drifts(frame, published, columns, rows)
