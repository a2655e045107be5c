import numpy as np
import pytest
from generated_histories import day, frame

from sparkjobs.evaluation import evaluate
from sparkjobs.sequences import sequences_of
from sparkjobs.trips import trips_of

CATEGORIES = ["a", "b", "c"]
MINUTE = 60


def made(visits, others=()):
    """Sequences and times of ann from (minute, categories, place), and after her of bob."""
    rows = {"ann": [(0, bag, 9, place) for _, bag, place in visits], "bob": [(0, bag, 9, p) for _, bag, p in others]}
    times = np.array([at * MINUTE for at, *_ in [*visits, *others]])
    return sequences_of(frame(rows), CATEGORIES), times


@pytest.mark.parametrize(
    ("case", "visits", "heads"),
    [
        ("at once", [(0, "a", "p"), (0, "b", "p")], [True, False]),
        ("half an hour later", [(0, "a", "p"), (30, "b", "p")], [True, False]),
        ("more than half an hour later", [(0, "a", "p"), (31, "b", "p")], [True, True]),
        ("in another place", [(0, "a", "p"), (5, "b", "q")], [True, True]),
        ("each half an hour after the last", [(0, "a", "p"), (30, "b", "p"), (60, "c", "p")], [True, False, False]),
        ("places unknown", [(0, "a", None), (5, "b", None)], [True, False]),
        ("back in the first place", [(0, "a", "p"), (5, "b", "q"), (9, "c", "p")], [True, True, True]),
    ],
)
def test_a_visit_goes_on_with_a_trip(case, visits, heads):
    assert trips_of(*made(visits)).heads.tolist() == heads, case


def test_the_first_visit_of_an_entity_begins_a_trip_however_soon_after_another_one_of_somebody_else():
    assert trips_of(*made([(0, "a", "p")], [(0, "b", "p")])).heads.tolist() == [True, True]


def test_a_trip_holds_each_category_once_and_its_first_visit_holds_them_all():
    sequences, times = made([(0, "ab", "p"), (5, "bzc", "p"), (99, "a", "p")], [(0, "b", "p")])

    whole = trips_of(sequences, times).whole

    assert whole.bags(np.arange(4)).tolist() == [
        [True, True, True],
        [False, False, False],
        [True, False, False],
        [False, True, False],
    ]
    assert np.diff(whole.bag_starts).tolist() == [4, 0, 1, 1]  # z is no category of the vocabulary, but counts
    assert whole.starts.tolist() == sequences.starts.tolist()


def test_nothing_at_all_is_no_trip():
    empty = sequences_of(frame({"ann": []}), CATEGORIES)
    assert trips_of(empty, np.array([], dtype=np.int64)).heads.tolist() == []


def test_all_of_a_trip_is_foretold_from_what_was_known_before_its_first_visit():
    sequences, times = made([(0, "a", "p"), (100, "b", "p"), (110, "c", "p")])
    visits = sequences.between(day(0), day(1))
    asked = []

    def score(_, rows):
        asked.extend(rows.tolist())
        return np.tile(np.array([1, 3, 2], dtype=np.float32), (len(rows), 1))

    found = evaluate(score, sequences, visits, 2, np.zeros(3, bool), ("main", "main trips"), trips_of(sequences, times))

    assert asked == [0, 1, 2]  # scored once, each from what came before it
    np.testing.assert_array_equal(found["main"], [0.0, 1.0, 1.0])
    np.testing.assert_array_equal(found["main trips"], [0.0, 1.0, np.nan])


def test_excluded_categories_are_no_part_of_a_trip():
    sequences, times = made([(0, "a", "p"), (10, "b", "p")])
    found = evaluate(
        lambda _, rows: np.tile(np.array([3, 2, 1], dtype=np.float32), (len(rows), 1)),
        sequences,
        np.arange(2),
        1,
        np.array([True, False, False]),
        ("main trips",),
        trips_of(sequences, times),
    )
    np.testing.assert_array_equal(found["main trips"], [1.0, np.nan])
