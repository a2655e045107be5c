import copy
from pathlib import Path

import numpy as np
import pytest
from generated_histories import day, frame, habits, settings

from sparkjobs.baselines import Baseline, popularity
from sparkjobs.context import Context
from sparkjobs.failure import InputError
from sparkjobs.scorer import TxtScorer
from sparkjobs.training import prepare
from sparkjobs.trial import Trial, model_of, period, refitted, tuned

SETTINGS = settings()
MADE = habits(entities=20, visits=40, categories=6)


def fitted(made, folder):
    """Everything that is fitted before the test period: vocabulary, baselines and all the training reads."""
    histories, split = frame(made), SETTINGS["split"]
    test = period(histories, SETTINGS, split["test"], split["end"])
    baselines = refitted(tuned(histories, SETTINGS), test, SETTINGS)
    context, shape, recipe = model_of(SETTINGS, test)
    ids = context.ids(test.fit, np.arange(test.fit.visits))
    place = Path(prepare(test.fit, ids, shape, recipe, 2, str(folder)))
    files = {path.name: path.read_bytes() for path in place.iterdir() if path.suffix == ".npz"}
    return test, context, baselines, place.name, files


def changed(made, from_day):
    """The same visits before `from_day`; later ones with other categories, hours and places."""
    later = copy.deepcopy(made)
    for listed in later.values():
        listed[:] = [v if v[0] < from_day else (v[0], ["never-seen", "c00"], 3, "elsewhere") for v in listed]
    later["newcomer"] = [(from_day, ["c01"], 4, "elsewhere")]
    return later


def test_nothing_that_is_fitted_depends_on_the_test_period(tmp_path):
    test, context, baselines, plan, files = fitted(MADE, tmp_path / "a")
    other, other_context, other_baselines, other_plan, other_files = fitted(changed(MADE, 90), tmp_path / "b")

    assert other.categories == test.categories
    assert other_context == context
    assert (other_plan, other_files) == (plan, files)  # the plan's name is a digest of all that training reads
    for mine, theirs in zip(baselines, other_baselines, strict=True):
        assert (mine.half_life, mine.popularity_weight, mine.neighbour_weight, mine.lift_power) == (
            theirs.half_life, theirs.popularity_weight, theirs.neighbour_weight, theirs.lift_power,
        )  # fmt: skip
        np.testing.assert_array_equal(mine.popularity, theirs.popularity)
        for part in ("near", "lifts"):
            assert (getattr(mine, part) is None) == (getattr(theirs, part) is None)
        if mine.near is not None:
            np.testing.assert_array_equal(mine.near.habits, theirs.near.habits)
        if mine.lifts is not None:
            np.testing.assert_array_equal(mine.lifts.table, theirs.lifts.table)


def test_a_change_before_the_test_period_does_show(tmp_path):
    assert fitted(MADE, tmp_path / "a")[3] != fitted(changed(MADE, 89), tmp_path / "b")[3]


def test_a_trial_compares_with_baselines_of_no_more_information():
    histories = frame(MADE)
    test = period(histories, SETTINGS, SETTINGS["split"]["test"], SETTINGS["split"]["end"])
    trial = Trial(SETTINGS, test)
    trial.add_baselines(refitted(tuned(histories, SETTINGS), test, SETTINGS))
    for context in ("unknown", "known"):
        trial.recalls["txt", context] = trial.recalls["decayed", "unknown"]

    assert "decayed*context" not in trial.gains("unknown")
    assert "decayed*context" in trial.gains("known")
    assert trial.gains("unknown")["decayed"].value == 0.0
    assert not trial.judge().promoted
    rows = trial.rows()
    groups = {"main, earlier visits 11 to 50", "main, categories 1", "main, categories 2 to 5"}
    assert set(rows["slice"]) == {"main", "all", "main repeat", "main new", *groups}
    assert rows["metric"].str.startswith("recall@2").all()


def test_a_gain_is_broken_down_by_kind_of_visit():
    histories = frame(MADE)
    test = period(histories, SETTINGS, SETTINGS["split"]["test"], SETTINGS["split"]["end"])
    trial = Trial(SETTINGS, test)
    trial.add_baselines(refitted(tuned(histories, SETTINGS), test, SETTINGS))
    single = np.diff(test.sequences.bag_starts)[test.visits] == 1
    before = trial.recalls["decayed", "unknown"]["main"]
    trial.recalls["txt", "unknown"] = {"main": before + np.where(single, 0.25, 0.0)}

    rows = {(grouping, label): rest for grouping, label, *rest in trial.by_group("decayed")}

    assert rows["categories", "1"][-2:] == ["+0.2500", "+0.2500 to +0.2500"]
    assert rows["categories", "2 to 5"][-2:] == ["+0.0000", "+0.0000 to +0.0000"]
    assert rows["categories", "1"][0] == int((single & ~np.isnan(before)).sum())
    assert 0 < float(rows["earlier visits", "11 to 50"][-2]) < 0.25


@pytest.mark.parametrize("seen", ["later visits too", "only earlier ones"])
def test_who_saw_other_visits_than_those_before_the_cut_off_is_not_compared(seen):
    test = period(frame(MADE), SETTINGS, SETTINGS["split"]["test"], SETTINGS["split"]["end"])
    visits = test.sequences if seen == "later visits too" else test.fit.before(day(70))
    trial = Trial(SETTINGS, test)

    with pytest.raises(ValueError, match="Cannot compare decayed: it saw visits up to day"):
        trial.add_baselines([Baseline("decayed", popularity(visits)).fitted(visits, [])])
    with pytest.raises(ValueError, match="Cannot compare txt: it saw visits up to day"):
        trial.add_model(TxtScorer(None, test.categories, Context({}), [7.0], 5, seen_to=visits.last_day))


def test_a_period_in_which_nothing_counts_is_refused():
    wanted = settings(excludeCategories=[f"c{i:02d}" for i in range(6)])

    with pytest.raises(InputError, match="hold no category of before 2024-03-31 that counts"):
        period(frame(MADE), wanted, wanted["split"]["test"], wanted["split"]["end"])


@pytest.mark.parametrize(
    ("test", "end", "message"),
    [
        (day(0), day(9), "there is no visit with a category before 2024-01-01"),
        (day(500), day(600), "there is no visit with a category from 2025-05-15 to before 2025-08-23"),
    ],
)
def test_a_period_without_visits_is_refused(test, end, message):
    with pytest.raises(InputError, match=message):
        period(frame(MADE), SETTINGS, str(test), str(end))
