"""What the columns of a dataset hold, counted where the dataset asks for it and kept with the version."""

from typing import TYPE_CHECKING, Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

if TYPE_CHECKING:
    from sparkjobs.job import Job

LONGEST = 60


def profile_outputs(job: "Job") -> None:
    """Profile the outputs whose datasets say `profile: true`; a pass over each."""
    for role, output in job.document["outputs"].items():
        if output.get("profile") and role in job.outputs:
            job.stage(f"profiling {output['dataset']}")
            entry = job.outputs[role]
            entry["profile"] = profile(job.written(role)) if entry["rows"] else []


def profile(frame: DataFrame) -> list[dict[str, Any]]:
    """Per column: nulls, distinct values (approximately, 5 % off, never more than there are; null left out), least and
    greatest as text.

    Texts are cut at 60 characters. Arrays and maps have neither least nor greatest: null, as where all values are.
    """
    measures: list[Column] = []
    for i, (name, type_) in enumerate(frame.dtypes):
        value = F.col(f"`{name}`")
        ends = [F.lit(None)] * 2 if type_.startswith(("array", "map", "struct")) else [F.min(value), F.max(value)]
        least, greatest = (F.substring(end.cast("string"), 1, LONGEST) for end in ends)
        distinct = F.least(F.approx_count_distinct(value), F.count(value))
        counts = {"nulls": F.count_if(value.isNull()), "distinct": distinct, "min": least, "max": greatest}
        measures.append(F.struct(*[count.alias(key) for key, count in counts.items()]).alias(str(i)))
    row = frame.agg(*measures).collect()[0]
    return [{"column": name, **row[i].asDict()} for i, name in enumerate(frame.columns)]
