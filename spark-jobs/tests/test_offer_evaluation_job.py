"""Settings and tables of the job that evaluates the ranking of offers, and what it refuses."""

from datetime import date, datetime

import numpy as np
import pytest

from sparkjobs.failure import InputError
from sparkjobs.offer_evaluation_job import ROLES, Settings, check_cut, read_records
from sparkjobs.offer_records import round_at
from sparkjobs.sequences import day_number

WHOLE = {
    "day": "2017-10-30",
    "tuneFrom": "2017-05-08",
    "until": "2018-03-01",
    "tables": {table: dict.fromkeys(roles, "x") for table, roles in ROLES.items()},
}


def test_what_is_left_out_has_defaults():
    settings = Settings.of(WHOLE, ROLES)
    assert (settings.day, settings.tops, settings.exposed_types, settings.seed) == (date(2017, 10, 30), [16], [], 0)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"day": "2017-02-30"}, "a day of settings is no date"),
        ({"day": 20171030}, "a day of settings is no date"),
        ({"until": "2017-10-30"}, "the days do not follow each other"),
        ({"tuneFrom": "2017-10-30"}, "the days do not follow each other"),
        ({"top": []}, "settings.top is"),
        ({"top": [0]}, "settings.top is"),
        ({"tables": {**WHOLE["tables"], "redemptions": {}}}, r"settings\.tables\.redemptions\.entity is missing"),
    ],
    ids=str,
)
def test_wrong_settings_are_refused(changed, message):
    with pytest.raises(InputError, match=message):
        Settings.of({**WHOLE, **changed}, ROLES)


def test_missing_settings_are_named():
    with pytest.raises(InputError, match=r"settings\.day is missing"):
        Settings.of({name: value for name, value in WHOLE.items() if name != "day"}, ROLES)


def lineage(test: str) -> dict:
    return {"lineage": {"settings": {"split": {"test": test}}}}


def test_a_scorer_that_knows_the_day_is_refused():
    assert check_cut(lineage("2017-10-30"), date(2017, 10, 30)) == "2017-10-30"
    for document, told in ((lineage("2017-11-01"), "before 2017-11-01"), ({}, "a day it does not tell")):
        with pytest.raises(InputError, match=told):
            check_cut(document, date(2017, 10, 30))


class Notebook:
    """What reading the tables needs of a job, with its inputs in memory."""

    def __init__(self, spark, inputs):
        self.spark = spark
        self.document = {"inputs": inputs}
        self.notes = []

    def input(self, role, **_):
        return self.document["inputs"][role]

    def note(self, words):
        self.notes.append(words)


def german(spark):
    """Tables without targeting, days as dd.MM.yyyy; dan comes only after the day, eve has no purchase."""
    visits = [("ann", date(2023, 9, 1)), ("bob", date(2023, 9, 30)), ("dan", date(2023, 10, 5))]
    lines = [
        (entity, f"b-{entity}", "i1", "TEE", 9, "F1", datetime(*day.timetuple()[:3], 9), day) for entity, day in visits
    ]
    tables = {
        "lines": (
            lines,
            "entity string, visit string, item string, category string, hour int, place string, "
            "time timestamp, date date",
        ),
        "items": ([("i1", "TEE", "Kamille")], "key string, category string, texts string"),
        "campaigns": (
            [("a", "App", "12.10.2023", "31.10.2023")],
            "campaign string, type string, start string, end string",
        ),
        "coupons": ([("a", "g1", "i1"), ("a", "g2", "i1")], "campaign string, coupon string, item string"),
        "redemptions": (
            [(who, "a", "g1", "13.10.2023") for who in ("bob", "dan", "eve")],
            "entity string, campaign string, coupon string, day string",
        ),
    }
    return {role: spark.createDataFrame(rows, schema) for role, (rows, schema) in tables.items()}


GERMAN = {
    "day": "2023-10-01",
    "tuneFrom": "2023-05-01",
    "until": "2023-12-01",
    "tables": {
        table: {role: role for role in roles} | ({"texts": ["texts"]} if table == "items" else {})
        for table, roles in ROLES.items()
        if table != "targets"
    },
}


def test_without_targets_everyone_known_by_the_day_is_in_each_campaign(spark):
    inputs = german(spark)
    job = Notebook(spark, inputs)
    settings = Settings.of({**GERMAN, "dateFormat": "dd.MM.yyyy"}, inputs)
    records = read_records(job, settings)
    round_ = round_at(records, ["a"], day_number(settings.day), day_number(settings.until))
    assert round_.known.entities[round_.entities].tolist() == ["ann", "bob"]
    assert round_.entitled.all()
    # The day of a redemption is read by the pattern, too; of dan and eve nothing was known by the day.
    assert [tuple(pair) for pair in np.argwhere(round_.redeemed)] == [(1, 0)]
    assert job.notes == ["No table of targets: everyone with a visit before 2023-10-01 is in each campaign"]


def test_a_day_that_is_not_of_the_pattern_is_refused(spark):
    inputs = german(spark)
    settings = Settings.of({**GERMAN, "dateFormat": "yyyy/MM/dd"}, inputs)
    with pytest.raises(Exception, match=r"Cannot read a day in column start: '12\.10\.2023' is not yyyy/MM/dd"):
        read_records(Notebook(spark, inputs), settings)


def test_targets_that_are_an_input_need_their_columns():
    with pytest.raises(InputError, match=r"settings\.tables\.targets\.campaign is missing"):
        Settings.of(GERMAN, ["targets"])
