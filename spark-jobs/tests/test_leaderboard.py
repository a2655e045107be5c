"""Who goes on and who wins, from the rows of a sweep; without Spark."""

from types import SimpleNamespace

import pytest

from sparkjobs.leaderboard import leaderboard, ranked, set_parameters, text_of, words


def row(dim, value, rung=1, seconds=10.0):
    failed = "diverged" if value is None else None
    return {"rung": rung, "parameters": {"dim": dim}, "value": value, "seconds": seconds, "failed": failed}


def dims(rows):
    return [row["parameters"]["dim"] for row in rows]


def test_the_best_come_first_and_the_failed_last():
    rows = [row(8, 0.2), row(16, None), row(32, 0.4), row(64, 0.3)]
    assert dims(ranked(rows)) == [32, 64, 8, 16]
    assert ranked(rows[::-1]) == ranked(rows)


def test_equal_candidates_have_an_order_of_their_own():
    assert dims(ranked([row(2, 0.3), row(1, 0.3)])) == dims(ranked([row(1, 0.3), row(2, 0.3)])) == [1, 2]


def test_who_came_further_stands_higher_whatever_the_value():
    board = leaderboard([row(8, 0.9), row(16, 0.5), row(32, 0.6), row(32, 0.4, rung=2, seconds=20.0)])
    assert dims(board) == [32, 8, 16]
    assert [of["value"] for of in board] == [0.4, 0.9, 0.5]
    assert [of["seconds"] for of in board] == [30.0, 10.0, 10.0]


def test_one_that_diverged_on_a_later_rung_does_not_win():
    assert dims(leaderboard([row(8, 0.2), row(16, 0.5), row(16, None, rung=2)])) == [8, 16]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"dim": 64}, {"dim": 64, "halfLives": [7, 30], "gru": {"layers": 1}}),
        ({"halfLives[1]": 90}, {"dim": 32, "halfLives": [7, 90], "gru": {"layers": 1}}),
        ({"gru.layers": 2, "halfLives": [1]}, {"dim": 32, "halfLives": [1], "gru": {"layers": 2}}),
    ],
)
def test_parameters_are_set_at_their_paths(parameters, expected):
    job = SimpleNamespace(settings={"hyperparameters": {"dim": 32, "halfLives": [7, 30], "gru": {"layers": 1}}})
    set_parameters(job, parameters)
    assert job.settings["hyperparameters"] == expected


def test_parameters_in_words_and_as_text():
    assert words({"learningRate": 0.003, "dim": 32, "halfLives": [7, 30]}) == (
        "dim 32, halfLives [7, 30], learningRate 0.003"
    )
    assert text_of({"b": 1, "a": 0.5}) == text_of({"a": 0.5, "b": 1}) == '{"a":0.5,"b":1}'
