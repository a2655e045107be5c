"""How often test periods were looked at: who tries often enough finds a model that does well by chance.

Each evaluation holds rows of metric "openings", one per test period: how many evaluations opened it, itself included.
It takes them over from the evaluation that is published when the job begins. So those count that were published in
this store: no samples, no runs that failed, none that a rollback took back.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sparkjobs import tables
from sparkjobs.failure import InputError
from sparkjobs.job import Job

METRIC = "openings"


@dataclass(frozen=True)
class Opened:
    """How often the visits of dataset `lines` from local day `test` to before `end` served as a test."""

    lines: str
    test: str
    end: str
    times: int

    @property
    def slice(self) -> str:
        return f"{self.lines}, {self.test} to before {self.end}"

    def row(self) -> tuple[Any, ...]:
        """As a row of the evaluation table."""
        return ("any", METRIC, "any", self.slice, float(self.times), None, None, None, None)


def opened(rows: Iterable[tuple[str, float]]) -> list[Opened]:
    """From slice and value of the evaluation's rows of this metric."""
    found = []
    for text, value in rows:
        match = re.fullmatch(r"(.*), (\d{4}-\d\d-\d\d) to before (\d{4}-\d\d-\d\d)", text)
        if match:
            found.append(Opened(*match.groups(), int(value)))
    return found


def before(earlier: list[Opened], lines: str, test: str, end: str) -> int:
    """Evaluations of `lines` whose test period overlaps with that from `test` to before `end`."""
    return sum(one.times for one in earlier if one.lines == lines and one.test < end and test < one.end)


def counted(earlier: list[Opened], lines: str, test: str, end: str) -> list[Opened]:
    """`earlier` with one more opening of the period."""
    here = Opened(lines, test, end, 0)
    known = earlier if any(one.slice == here.slice for one in earlier) else [*earlier, here]
    return [replace(one, times=one.times + (one.slice == here.slice)) for one in known]


def earlier_openings(job: Job) -> list[Opened]:
    """What the published evaluation counted; none where there is none, or where it cannot be read, which is noted."""
    previous = job.previous("evaluation")
    if previous is None or not previous["files"]:
        return []
    try:
        rows = tables.read(job.spark, previous).filter(f"metric = '{METRIC}'").select("slice", "value").collect()
    except InputError as error:
        job.note(f"how often test periods were opened is counted anew: {error.message}")
        return []
    return opened((row["slice"], row["value"]) for row in rows)


def words(times: int) -> str:
    """For the notes."""
    if times == 0:
        return "this test period was not opened before by an evaluation published in this store"
    return f"this test period was opened {times} time{'s' * (times > 1)} before by evaluations published in this store"
