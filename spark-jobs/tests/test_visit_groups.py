import numpy as np
from generated_histories import frame

from sparkjobs.sequences import sequences_of
from sparkjobs.visit_groups import categories, earlier_visits, grouped


def made():
    ann = [(day, ["a"]) for day in range(60)]
    bob = [(0, ["a", "b", "never-seen"]), (1, list("abcdef"))]
    return sequences_of(frame({"ann": ann, "bob": bob}), list("abcdef"))


def test_visits_are_grouped_by_the_history_before_them():
    sequences = made()

    found = earlier_visits(sequences, np.array([0, 1, 10, 11, 50, 51, 59, 60, 61]))

    assert found == [
        "none", "1 to 10", "1 to 10", "11 to 50", "11 to 50", "51 and more", "51 and more", "none", "1 to 10",
    ]  # fmt: skip


def test_visits_are_grouped_by_all_the_categories_they_hold():
    assert categories(made(), np.array([0, 60, 61])) == ["1", "2 to 5", "6 and more"]


def test_groups_without_visits_are_left_out_and_the_others_cover_all():
    sequences = made()
    visits = np.array([0, 5, 60])

    found = [(name, label, members.tolist()) for name, label, members in grouped(sequences, visits)]

    assert found == [
        ("earlier visits", "none", [True, False, True]),
        ("earlier visits", "1 to 10", [False, True, False]),
        ("categories", "1", [True, True, False]),
        ("categories", "2 to 5", [False, False, True]),
    ]
