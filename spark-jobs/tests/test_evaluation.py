import numpy as np
import pytest
from generated_histories import day, frame

from sparkjobs.evaluation import evaluate, interval, recalls
from sparkjobs.sequences import sequences_of

ALL = np.ones((1, 4), dtype=bool)


def one(scores, targets, k, candidates=ALL, missed=0):
    wanted = np.zeros((1, 4), dtype=bool)
    wanted[0, targets] = True
    return recalls(np.array([scores], dtype=np.float32), wanted, candidates, k, np.array([missed]))[0]


@pytest.mark.parametrize(
    ("case", "scores", "targets", "k", "expected"),
    [
        ("a hit of one", [9, 1, 0, 0], [0], 2, 1.0),
        ("a miss", [9, 8, 0, 1], [3], 2, 0.0),
        ("one of two", [9, 8, 0, 1], [0, 3], 2, 0.5),
        ("more targets than k: only k can be hit", [9, 8, 7, 0], [0, 1, 2], 2, 1.0),
        ("equal scores: the earlier, more popular one first", [0, 0, 0, 0], [1], 2, 1.0),
        ("equal scores: the later one is cut", [0, 0, 0, 0], [2], 2, 0.0),
    ],
)
def test_recalls(case, scores, targets, k, expected):
    assert one(scores, targets, k) == expected, case


def test_recalls_counts_targets_nobody_could_name_and_drops_visits_without_any():
    assert one([9, 8, 0, 0], [0], 2, missed=1) == 0.5
    assert np.isnan(one([9, 8, 0, 0], [], 2))


def test_recalls_leaves_excluded_categories_out_of_targets_and_candidates():
    without_first = np.array([[False, True, True, True]])

    assert one([9, 8, 7, 0], [2], 2, without_first) == 1.0
    assert np.isnan(one([9, 8, 7, 0], [0], 2, without_first))


def test_evaluate_splits_by_what_the_entity_bought_before():
    sequences = sequences_of(frame({"ann": [(0, "a"), (1, "ab")], "bob": [(1, "z")]}), ["a", "b", "c"])
    visits = sequences.between(day(1), day(2))
    excluded = np.array([True, False, False])

    def score(_, asked):
        return np.tile(np.array([3, 2, 1], dtype=np.float32), (len(asked), 1))

    found = evaluate(score, sequences, visits, 1, excluded, ("main", "all", "all repeat", "all new"))

    np.testing.assert_array_equal(found["all"], [1.0, 0.0])  # z was never seen before: it counts, and is missed
    np.testing.assert_array_equal(found["main"], [1.0, 0.0])
    np.testing.assert_array_equal(found["all repeat"], [1.0, np.nan])
    np.testing.assert_array_equal(found["all new"], [1.0, 0.0])


def test_interval_draws_entities_not_visits():
    draws = np.random.default_rng(0)
    of_entity = draws.random(50)
    values, owner = np.repeat(of_entity, 40), np.repeat(np.arange(50), 40)

    found = interval(values, owner, 500, 0.95, seed=1)

    expected = 1.96 * of_entity.std() / np.sqrt(50)  # were visits drawn, it would be six times narrower
    assert found.value == pytest.approx(of_entity.mean())
    assert (found.upper - found.lower) / 2 == pytest.approx(expected, rel=0.2)
    assert (found.visits, found.entities) == (2000, 50)


def test_interval_of_a_constant_gain_is_that_gain_and_skips_nan():
    found = interval(np.array([0.25, 0.25, np.nan, 0.25]), np.array([0, 1, 2, 2]), 100, 0.95, seed=1)

    assert (found.value, found.lower, found.upper, found.visits, found.entities) == (0.25, 0.25, 0.25, 3, 3)


def test_interval_is_the_same_for_the_same_seed():
    values, owner = np.random.default_rng(3).random(300), np.repeat(np.arange(30), 10)

    assert interval(values, owner, 200, 0.9, seed=5) == interval(values, owner, 200, 0.9, seed=5)
