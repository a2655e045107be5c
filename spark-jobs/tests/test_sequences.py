import numpy as np
from generated_histories import day, frame

from sparkjobs.sequences import UNKNOWN, day_number, sequences_of, vocabulary

HISTORIES = frame({"ann": [(0, "ab"), (3, "b"), (5, "cx")], "bob": [], "cyd": [(4, "b", None, None)]})


def test_vocabulary_takes_the_categories_of_most_visits_first_and_none_from_the_day_on():
    assert vocabulary(HISTORIES, day(5)) == ["b", "a"]
    assert vocabulary(HISTORIES, day(6)) == ["b", "a", "c", "x"]


def test_sequences_of_lays_visits_out_entity_by_entity():
    found = sequences_of(HISTORIES, ["b", "a", "c"])

    assert found.starts.tolist() == [0, 3, 3, 4]
    assert (found.days - day_number(day(0))).tolist() == [0, 3, 5, 4]
    assert found.bag.tolist() == [1, 0, 0, 2, UNKNOWN, 0]
    assert found.hours.tolist() == [12, 12, 12, -1]
    assert found.owner().tolist() == [0, 0, 0, 2]
    assert found.bags(np.array([2, 0])).tolist() == [[False, False, True], [True, True, False]]


def test_before_and_part_keep_entities_with_the_visits_asked_for():
    found = sequences_of(HISTORIES, ["b", "a", "c"])

    assert found.before(day(4)).starts.tolist() == [0, 2, 2, 2]
    assert found.before(day(5)).occupied().starts.tolist() == [0, 2, 3]
    assert found.before(day(5)).occupied().entities.tolist() == ["ann", "cyd"]
    part = found.part(1, 3)
    assert (part.entities.tolist(), part.starts.tolist(), part.bag.tolist()) == (["bob", "cyd"], [0, 0, 1], [0])


def test_followed_by_adds_one_empty_visit_to_each_history():
    found, added = sequences_of(HISTORIES, ["b", "a", "c"]).followed_by(day_number(day(9)))

    assert found.starts.tolist() == [0, 4, 5, 7]
    assert (found.days[added] - day_number(day(0))).tolist() == [9, 9, 9]
    assert added.tolist() == [3, 4, 6]
    assert not found.bags(added).any()
    assert found.bags(np.array([2, 5]))[:, [0, 2]].tolist() == [[False, True], [True, False]]


def test_blocks_cover_every_entity_once():
    found = sequences_of(frame({f"e{i}": [(d, "a") for d in range(i % 4)] for i in range(9)}), ["a"])

    ranges = list(found.blocks(visits=4))

    assert [first for first, _ in ranges[1:]] == [end for _, end in ranges[:-1]]
    assert (ranges[0][0], ranges[-1][1]) == (0, 9)
    assert len(ranges) > 2
