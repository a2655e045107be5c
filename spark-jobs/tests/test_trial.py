import copy
from pathlib import Path

import numpy as np
import pytest
from generated_histories import day, frame, habits, settings

from sparkjobs.baselines import Baseline, popularity
from sparkjobs.context import Context
from sparkjobs.failure import InputError
from sparkjobs.scorer import ModelScorer
from sparkjobs.training import prepare
from sparkjobs.trial import Trial, model_of, period, refitted, tuned

SETTINGS = settings(compare=True)
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
    assert list(other.fit.entities) == list(test.fit.entities)
    assert other_context == context
    assert (other_plan, other_files) == (plan, files)  # the plan's name is a digest of all that training reads
    for mine, theirs in zip(baselines, other_baselines, strict=True):
        assert mine.parameters() == theirs.parameters()
        np.testing.assert_array_equal(mine.popularity, theirs.popularity)
        np.testing.assert_array_equal(getattr(mine, "coefficients", 0), getattr(theirs, "coefficients", 0))
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
    assert set(rows["slice"]) == {"main", "all", "main repeat", "main new", "main trips", *groups}
    assert rows["metric"].str.startswith("recall@2").all()


def test_other_models_are_told_of_and_never_asked_by_the_gate():
    histories = frame(MADE)
    test = period(histories, SETTINGS, SETTINGS["split"]["test"], SETTINGS["split"]["end"])
    trial = Trial(SETTINGS, test)
    chosen = tuned(histories, SETTINGS)
    trial.add_tuning(chosen)
    trial.add_baselines(refitted(chosen, test, SETTINGS))
    own = trial.recalls["decayed", "unknown"]
    for context, better in (("unknown", 0.25), ("known", 0.5)):
        trial.recalls["txt", context] = {name: values + 0.1 for name, values in own.items()}
        trial.recalls["gru", context] = {name: values + better for name, values in own.items()}
    trial.models |= {"txt", "gru"}

    rows = trial.rows().set_index(["scorer", "metric", "context", "slice"])["value"]

    assert "gru" not in {*trial.gains("unknown"), *trial.gains("known")}
    assert trial.judge().rival != "gru"
    assert rows["txt", "recall@2 gain over gru", "unknown", "main"] == pytest.approx(-0.15)
    assert rows["txt", "recall@2 gain over gru", "known", "main"] == pytest.approx(-0.4)
    assert rows["decayed", "recall@2 in the tuning period", "unknown", "main"] == pytest.approx(
        chosen.recall["decayed"]
    )


def test_baselines_that_take_long_are_there_only_to_compare():
    histories = frame(MADE)

    names = [{b.name for b in tuned(histories, settings(compare=compare)).baselines} for compare in (False, True)]

    assert names[1] - names[0] == {"logistic", "logistic*context"}
    assert not names[0] - names[1]


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


def test_segments_group_what_is_reported_and_change_no_decision():
    histories = frame(MADE)
    test = period(histories, SETTINGS, SETTINGS["split"]["test"], SETTINGS["split"]["end"])
    baselines = refitted(tuned(histories, SETTINGS), test, SETTINGS)
    entities = list(MADE)
    told = []
    for segments in ({}, {entity: f"s{number % 2 + 1}" for number, entity in enumerate(entities[1:])}):
        trial = Trial(SETTINGS, test, segments=segments)
        trial.add_baselines(baselines)
        trial.recalls["txt", "unknown"] = trial.recalls["txt", "known"] = trial.recalls["decayed", "unknown"]
        told.append((trial.judge(), {row[:2]: row[2] for row in map(tuple, trial.by_group("decayed"))}))

    (plain, without), (grouped, rows) = told
    assert grouped == plain
    assert [label for grouping, label in rows if grouping == "segment"] == ["s1", "s2"]
    # The first entity has no segment.
    first = np.isin(test.sequences.owner()[test.visits], np.flatnonzero(test.sequences.entities == entities[0])).sum()
    assert rows["segment", "s1"] + rows["segment", "s2"] == len(test.visits) - first
    assert rows.items() >= without.items()


@pytest.mark.parametrize("seen", ["later visits too", "only earlier ones"])
def test_who_saw_other_visits_than_those_before_the_cut_off_is_not_compared(seen):
    test = period(frame(MADE), SETTINGS, SETTINGS["split"]["test"], SETTINGS["split"]["end"])
    visits = test.sequences if seen == "later visits too" else test.fit.before(day(70))
    trial = Trial(SETTINGS, test)

    with pytest.raises(ValueError, match="Cannot compare decayed: it saw visits up to day"):
        trial.add_baselines([Baseline("decayed", popularity(visits)).fitted(visits, [])])
    with pytest.raises(ValueError, match="Cannot compare txt: it saw visits up to day"):
        trial.add_model(ModelScorer(None, test.categories, Context({}), [7.0], 5, seen_to=visits.last_day))


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
