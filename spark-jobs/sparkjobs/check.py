"""Checks as SQL on the inputs: each query looks for what must not be, so each must return no row."""

from typing import Any

from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import DataFrame

from sparkjobs.failure import InputError
from sparkjobs.job import Job

SHOWN = 3
REMEDY = 'Give settings.checks as a list of {name: …, sql: "SELECT …"} with different names'


class CheckError(Exception):
    """A check found rows; the message names the check, how many rows, and the first of them."""


def main(job: Job) -> None:
    """Inputs are views named by their role (_ for -). Writes check, rows; raises CheckError when any found rows."""
    checks = read_checks(job.settings)
    for role in job.document["inputs"]:
        job.input(role).createOrReplaceTempView(role.replace("-", "_"))
    results = []
    for name, sql in checks:
        job.stage(f"checking {name}")
        results.append((name, *offenders(query(job, name, sql))))
    for name, count, _ in results:
        job.metric(f"rows_{name}", count)
    failed = [result for result in results if result[1]]
    if failed:
        raise CheckError(f"Cannot accept the data: {'; '.join(_told(*result) for result in failed)}")
    rows = [(name, count) for name, count, _ in results]
    job.write("checks", job.spark.createDataFrame(rows, "check string, rows bigint"))
    job.table("Checks", ["check", "rows that must not be"], rows)


def read_checks(settings: dict[str, Any]) -> list[tuple[str, str]]:
    """(name, SQL) of each check; raises InputError when there is none or one is not as it should be."""
    checks = settings.get("checks")
    if not isinstance(checks, list) or not checks:
        raise InputError("Cannot check: settings.checks is empty, so nothing would be looked at", REMEDY)
    found: dict[str, str] = {}
    for index, check in enumerate(checks):
        name, sql = (check.get("name"), check.get("sql")) if isinstance(check, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(sql, str) or not name.strip() or not sql.strip():
            raise InputError(f"Cannot check: settings.checks[{index}] lacks a name or a query", REMEDY)
        if name in found:
            raise InputError(f"Cannot check: two checks are named {name}", REMEDY)
        found[name] = sql
    return list(found.items())


def query(job: Job, name: str, sql: str) -> DataFrame:
    """The rows a check finds; raises InputError when Spark can't make sense of its SQL."""
    try:
        return job.spark.sql(sql)
    except (AnalysisException, ParseException) as error:
        said = str(error).strip().splitlines()[0]
        views = ", ".join(sorted(role.replace("-", "_") for role in job.document["inputs"]))
        raise InputError(f"Cannot run check {name}: {said}", f"Correct its SQL; the views are {views}") from error


def offenders(found: DataFrame) -> tuple[int, list[str]]:
    """How many rows a check finds, and the first few as text in a fixed order."""
    kept = found.cache()
    try:
        count = kept.count()
        shown = kept.orderBy(*kept.columns).limit(SHOWN).collect() if count else []
    finally:
        kept.unpersist()
    return count, [", ".join(f"{key}={value}" for key, value in row.asDict().items()) for row in shown]


def _told(name: str, count: int, rows: list[str]) -> str:
    return f"check {name} finds {count} row{'s' * (count != 1)}, such as ({'), ('.join(rows)})"
