import numpy as np
import pytest
from generated_histories import day, frame, habits
from hypothesis import given, settings
from hypothesis import strategies as st

from sparkjobs.baselines import Baseline, Search, popularity
from sparkjobs.counts import counts_before
from sparkjobs.lifts import lifts
from sparkjobs.neighbours import neighbours
from sparkjobs.sequences import sequences_of
from sparkjobs.tuning import tune

ABC = ["a", "b", "c"]
visit = st.tuples(st.integers(0, 60), st.sets(st.sampled_from(ABC), min_size=1))
history = st.lists(visit, max_size=6).map(lambda visits: sorted(visits, key=lambda v: v[0]))
entities = st.dictionaries(st.sampled_from("pqrs"), history, min_size=1)


def slow_counts(histories, half_life):
    """The definition, visit by visit."""
    rows = []
    for days, bags in zip(histories["days"], histories["categories"], strict=True):
        for at, on in enumerate(days):
            left = [0.5 ** ((on - before) / half_life) for before in days[:at]]
            row = [sum(w for w, bag in zip(left, bags, strict=False) if category in bag) for category in ABC]
            rows.append([*row, sum(left)])
    return np.array(rows, dtype=np.float32).reshape(-1, 4)


@settings(max_examples=60, deadline=None)
@given(entities)
def test_counts_before_are_decayed_sums_over_earlier_visits_only(made):
    histories = frame(made)
    sequences = sequences_of(histories, ABC)

    counts, visits = counts_before(sequences, np.arange(sequences.visits), [np.inf, 10.0])

    for column, half_life in enumerate([np.inf, 10.0]):
        expected = slow_counts(histories, half_life)
        np.testing.assert_allclose(counts[:, :, column], expected[:, :3], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(visits[:, column], expected[:, 3], rtol=1e-4, atol=1e-6)


def test_popularity_is_the_share_of_visits():
    sequences = sequences_of(frame({"ann": [(0, "ab"), (1, "a")], "bob": [(0, "z"), (2, "a")]}), ABC)

    assert popularity(sequences).tolist() == [0.75, 0.25, 0.0]


def test_baseline_weighs_recent_visits_more_and_breaks_ties_by_popularity():
    sequences = sequences_of(frame({"ann": [(0, "a"), (10, "b"), (20, "c")]}), ABC)
    share = np.array([0.5, 0.3, 0.2], dtype=np.float32)
    last = np.array([2])

    own = Baseline("own", share, popularity_weight=1e-3)(sequences, last)
    decayed = Baseline("decayed", share, half_life=10.0)(sequences, last)

    np.testing.assert_allclose(own, [[1.0005, 1.0003, 0.0002]], rtol=1e-5)
    np.testing.assert_allclose(decayed, [[0.25, 0.5, 0.0]])


def test_neighbours_lend_what_alike_entities_buy_and_never_the_own_habits():
    made = {f"x{i}": [(d, "ab") for d in range(5)] for i in range(3)}
    made |= {f"y{i}": [(d, "c") for d in range(5)] for i in range(3)} | {"few": [(0, "c")]}
    sequences = sequences_of(frame(made), ABC)

    near = neighbours(sequences)
    near = type(near)(near.entities, near.habits, near.directions, size=2)
    counts = np.array([[1.0, 0, 0], [0, 0, 9.0]], dtype=np.float32)

    assert near.entities.tolist() == ["x0", "x1", "x2", "y0", "y1", "y2"]
    np.testing.assert_allclose(near.habits_near(counts, np.array(["new", "y1"])), [[1, 1, 0], [0, 0, 1]])
    alone = type(near)(near.entities[2:4], near.habits[2:4], near.directions[2:4], size=1)
    np.testing.assert_allclose(alone.habits_near(counts[:1], np.array(["x2"])), [[0, 0, 1]])
    assert neighbours(sequences, fewest_visits=6) is None


def test_lifts_are_shrunk_and_one_where_a_context_is_new():
    made = {"ann": [(0, "a", 8, "p"), (1, "a", 8, "p"), (2, "b", 20, "p"), (3, "b", 8, "q")]}
    sequences = sequences_of(frame(made), ABC[:2])

    found = lifts(sequences, ["place", "hour", "weekday"], popularity(sequences), shrinkage=2.0)

    # Place p at 8: (2 + 2 * 0.5) / (2 + 2) / 0.5 for a, (0 + 2 * 0.5) / (2 + 2) / 0.5 for b.
    np.testing.assert_allclose(found.of(sequences, np.array([0])), [[1.5, 0.5]])
    assert lifts(sequences, ["weekday"], popularity(sequences)) is None
    later = sequences_of(frame({"ann": [(0, "a", 9, "p")]}), ABC[:2])
    np.testing.assert_allclose(found.of(later, np.array([0])), [[1.0, 1.0]])


def test_tune_prefers_recent_visits_where_tastes_change():
    made = {}
    for entity in range(40):
        first, second = "ab" if entity % 2 else "ba"
        made[f"e{entity}"] = [(d, first) for d in range(0, 160, 2)] + [(d, second) for d in range(160, 220, 2)]
    sequences = sequences_of(frame(made), ["a", "b"])

    later = sequences.between(day(190), day(220))
    tuned = tune(Search(sequences.before(day(190)), sequences, later, [], 1, np.zeros(2, bool)))

    decayed = next(b for b in tuned.baselines if b.name == "decayed")
    assert decayed.half_life == 30.0
    assert tuned.recall["decayed"] > tuned.recall["own-frequency"]
    assert [b.name for b in tuned.baselines] == ["popularity", "own-frequency", "decayed", "decayed+neighbours"]


def test_best_baseline_needs_no_context():
    made = {e: [(on, bag, 9 if on % 2 else 20, "p") for on, bag, *_ in listed] for e, listed in habits(20, 20).items()}
    by_hour = {e: [(on, ["x"] if hour == 9 else ["y"], hour, "p") for on, _, hour, _ in v] for e, v in made.items()}
    sequences = sequences_of(frame(by_hour), ["x", "y"])

    later = sequences.between(day(40), day(60))
    tuned = tune(Search(sequences.before(day(40)), sequences, later, ["hour"], 1, np.zeros(2, bool)))

    assert tuned.recall["decayed*context"] > max(tuned.recall[b.name] for b in tuned.baselines if not b.uses_context)
    assert not tuned.best().uses_context


@pytest.mark.parametrize("name", ["half_life", "popularity_weight"])
def test_fitted_keeps_the_parameters_and_takes_new_counts(name):
    sequences = sequences_of(frame({"ann": [(0, "b")]}), ["a", "b"])
    baseline = Baseline("x", np.array([1.0, 0.0], dtype=np.float32), half_life=9.0, popularity_weight=2.0)

    found = baseline.fitted(sequences, [])

    assert getattr(found, name) == getattr(baseline, name)
    assert found.popularity.tolist() == [0.0, 1.0]
