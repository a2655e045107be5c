from datetime import UTC, date, datetime

import pytest
from pyspark.sql import Row

from sparkjobs.visits import histories, visits

SCHEMA = "entity string, visit string, time timestamp, hour int, category string, place string, date date"


def line(entity, visit, on, hour, category, place="p1", minute=0):
    local = datetime(on.year, on.month, on.day, hour, minute, tzinfo=UTC)
    return (entity, visit, local, hour, category, place, on)


JAN1, JAN2, JAN3 = date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 3)


@pytest.fixture
def lines(spark):
    def make(*rows):
        return spark.createDataFrame(list(rows), SCHEMA)

    return make


def test_visits_hold_each_category_once_and_are_dated_by_their_first_line(lines):
    frame = lines(
        line("ann", "v1", JAN1, 23, "milk", "p1", 59),
        line("ann", "v1", JAN2, 0, "bread", "p2"),
        line("ann", "v1", JAN2, 0, "milk", "p2"),
    )

    found = visits(frame).collect()

    assert [(row.entity, row.visit, row.time.minute, row.date, row.hour, row.place) for row in found] == [
        ("ann", "v1", 59, JAN1, 23, "p1")
    ]
    assert (found[0].weekday, found[0].categories) == (0, ["bread", "milk"])  # a Monday


def test_visits_without_a_category_are_no_visits(lines):
    frame = lines(line("ann", "v1", JAN1, 9, None), line("ann", "v2", JAN1, 9, "milk"), line(None, "v3", JAN1, 9, "x"))

    assert [row.visit for row in visits(frame).collect()] == ["v2"]


def test_histories_end_before_the_day_and_run_by_time_then_visit(lines):
    frame = lines(
        line("ann", "b", JAN2, 9, "tea"),
        line("ann", "a", JAN2, 9, "milk", None),
        line("ann", "z", JAN1, 20, "bread"),
        line("ann", "c", JAN3, 0, "late"),
        line("bob", "d", JAN3, 9, "late"),
    )

    found = histories(visits(frame), before=JAN3).collect()

    assert found == [
        Row(
            entity="ann",
            days=[19723, 19724, 19724],
            hours=[20, 9, 9],
            places=["p1", None, "p1"],
            categories=[["bread"], ["milk"], ["tea"]],
            times=[19723 * 86400 + 20 * 3600, 19724 * 86400 + 9 * 3600, 19724 * 86400 + 9 * 3600],
        )
    ]
