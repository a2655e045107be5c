"""Settings of the job that evaluates the ranking of offers, and what it refuses."""

from datetime import date

import pytest

from sparkjobs.failure import InputError
from sparkjobs.offer_evaluation_job import ROLES, Settings, check_cut

WHOLE = {
    "day": "2017-10-30",
    "tuneFrom": "2017-05-08",
    "until": "2018-03-01",
    "tables": {table: dict.fromkeys(roles, "x") for table, roles in ROLES.items()},
}


def test_what_is_left_out_has_defaults():
    settings = Settings.of(WHOLE)
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
        Settings.of({**WHOLE, **changed})


def test_missing_settings_are_named():
    with pytest.raises(InputError, match=r"settings\.day is missing"):
        Settings.of({name: value for name, value in WHOLE.items() if name != "day"})


def lineage(test: str) -> dict:
    return {"lineage": {"settings": {"split": {"test": test}}}}


def test_a_scorer_that_knows_the_day_is_refused():
    assert check_cut(lineage("2017-10-30"), date(2017, 10, 30)) == "2017-10-30"
    for document, told in ((lineage("2017-11-01"), "before 2017-11-01"), ({}, "a day it does not tell")):
        with pytest.raises(InputError, match=told):
            check_cut(document, date(2017, 10, 30))
