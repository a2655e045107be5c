from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparkjobs.failure import InputError
from sparkjobs.segment_ids import SegmentModel, carry_over, named, shared_members


def column(*values):
    return np.array(values, dtype=float).reshape(-1, 1)


LAST = SegmentModel(["s1", "s2", "s5"], column(0, 10, 20), ["s3", "s4"])


@pytest.mark.parametrize(
    ("centroids", "shared", "ids", "retired"),
    [
        pytest.param([1, 11, 19], [[9, 0, 0], [0, 9, 0], [0, 0, 9]], ["s1", "s2", "s5"], [], id="all stay"),
        pytest.param([19, 1, 11], [[0, 9, 0], [0, 0, 9], [9, 0, 0]], ["s5", "s1", "s2"], [], id="in another order"),
        pytest.param([1, 11], [[9, 0], [0, 9], [0, 4]], ["s1", "s2"], ["s5"], id="one fewer retires the id"),
        pytest.param(
            [1, 9, 11, 19], [[9, 0, 0, 0], [0, 5, 4, 0], [0, 0, 0, 9]], ["s1", "s2", "s6", "s5"], [],
            id="a split: the larger part keeps the id, the other gets one never given",
        ),
        pytest.param(
            [1, 15.1, 19], [[9, 0, 0], [0, 9, 0], [0, 0, 9]], ["s1", "s6", "s5"], ["s2"],
            id="more than half the way to the neighbour is another segment",
        ),
        pytest.param([1, 15, 19], [[9, 0, 0], [0, 9, 0], [0, 0, 9]], ["s1", "s2", "s5"], [], id="half the way is not"),
        pytest.param(
            [1, 12, 11], [[9, 0, 0], [0, 4, 4], [0, 0, 0]], ["s1", "s6", "s2"], ["s5"], id="as many members: the nearer"
        ),
        pytest.param(
            [1, 11, 19], [[9, 0, 0], [0, 0, 3], [0, 3, 3]], ["s1", "s6", "s5"], ["s2"],
            id="members that went to another's place take no id with them",
        ),
        pytest.param(
            [1, 11, 20], [[9, 0, 0], [0, 9, 0], [0, 0, 0]], ["s1", "s2", "s5"], [],
            id="a segment that lost all members keeps its id where it was",
        ),
        pytest.param(
            [1, 11, 20], [[9, 0, 0], [0, 9, 3], [0, 0, 0]], ["s1", "s2", "s5"], [],
            id="and fills again under it",
        ),
        pytest.param(
            [1, 12, 40], [[9, 0, 0], [0, 0, 0], [0, 0, 0]], ["s1", "s2", "s6"], ["s5"],
            id="a refusal does not cost another its match",
        ),
        pytest.param(
            [1, 11, 19], [[9, 0, 0], [0, 9, 0], [3, 3, 0]], ["s1", "s2", "s5"], [],
            id="nobody is in the new one, so its place decides",
        ),
        pytest.param(
            [1, 11, 19], [[9, 0, 2], [0, 9, 0], [3, 3, 0]], ["s1", "s2", "s6"], ["s5"],
            id="both have members and none in common",
        ),
        pytest.param([50, 60], np.zeros((3, 2)), ["s6", "s7"], ["s1", "s2", "s5"], id="nothing is as it was"),
    ],
)  # fmt: skip
def test_ids_go_with_the_members(centroids, shared, ids, retired):
    model = carry_over(LAST, column(*centroids), np.array(shared))

    assert model.ids == ids
    assert model.retired == sorted(["s3", "s4", *retired])


def test_most_customers_keep_their_id_though_the_largest_overlap_is_lost():
    near = SegmentModel(["s1", "s2"], column(0, 10))

    model = carry_over(near, column(4, 5), np.array([[50, 40], [40, 1]]), limit=1)

    assert model.ids == ["s2", "s1"]


def test_a_nearer_centroid_never_outweighs_a_member():
    near = SegmentModel(["s1", "s2"], column(0, 10))

    model = carry_over(near, column(9, 1), np.array([[500_001, 500_000], [500_000, 500_000]]), limit=1)

    assert model.ids == ["s1", "s2"]


def test_ids_sort_as_numbers_and_the_first_model_counts_from_one():
    assert named(column(*range(11))).ids[-1] == "s11"
    many = SegmentModel(["s9", "s10"], column(0, 10), ["s2"])
    assert carry_over(many, column(90), np.array([[0], [0]])).retired == ["s2", "s9", "s10"]


def test_shared_members_are_counted_by_position():
    counts = shared_members(np.array([0, 0, 1, 1, 1]), np.array([1, 1, 0, 1, 0]), 3, 2)

    assert counts.tolist() == [[0, 2], [2, 1], [0, 0]]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: SegmentModel(["s1", "s1"], column(0, 1)), "id s1 is malformed or occurs twice"),
        (lambda: SegmentModel(["s1"], column(0), ["s1"]), "id s1 is malformed or occurs twice"),
        (lambda: SegmentModel(["s01"], column(0)), "id s01 is malformed"),
        (lambda: SegmentModel(["s1", "s2"], column(0)), "2 ids for 1 centroids"),
        (lambda: carry_over(LAST, column(0, 1), np.zeros((2, 3))), r"models of \(3, 2\), shared members \(2, 3\)"),
        (lambda: carry_over(LAST, np.zeros((1, 2)), np.zeros((3, 1))), "Cannot match segments"),
        (lambda: carry_over(LAST, column(), np.zeros((3, 0))), "Cannot match segments"),
        (lambda: carry_over(LAST, column(np.nan), np.zeros((3, 1))), "a centroid is not finite"),
    ],
)
def test_what_is_no_model_is_refused(make, said):
    with pytest.raises(InputError, match=said):
        make()


@st.composite
def retrainings(draw):
    """A model and what a retraining made of it: centroids on a line, and members shared in any way."""
    places = st.integers(0, 40)
    last = draw(st.lists(places, min_size=1, max_size=5, unique=True))
    now = draw(st.lists(places, min_size=1, max_size=5))
    counts = st.lists(st.integers(0, 3), min_size=len(now), max_size=len(now))
    shared = draw(st.lists(counts, min_size=len(last), max_size=len(last)))
    return column(*last), column(*now), np.array(shared)


@settings(deadline=None)
@given(retrainings())
def test_no_id_is_lost_given_twice_or_revived(drawn):
    centroids, now, shared = drawn
    last = SegmentModel([f"s{i + 2}" for i in range(len(centroids))], centroids, ["s1", "s9"])

    model = carry_over(last, now, shared)

    assert {"s1", "s9"} <= set(model.retired)
    assert set(last.ids) <= {*model.ids, *model.retired}
    minted = [name for name in model.ids if name not in last.ids]
    assert minted == [f"s{10 + i}" for i in range(len(minted))]


@settings(deadline=None)
@given(retrainings(), st.sampled_from([0.25, 0.5, 1.0, 100.0]))
def test_no_other_matching_within_the_limit_keeps_more_customers(drawn, limit):
    centroids, now, shared = drawn
    last = named(centroids)

    model = carry_over(last, now, shared, limit)

    kept = sum(shared[last.ids.index(name), j] for j, name in enumerate(model.ids) if name in last.ids)
    apart = np.abs(centroids - centroids.T) + np.diag(np.full(len(centroids), np.inf))
    allowed = np.where(np.abs(centroids - now.T) <= limit * apart.min(axis=1)[:, None], shared, 0)
    if allowed.shape[0] > allowed.shape[1]:
        allowed = allowed.T
    rows = range(len(allowed))
    assert kept == max(sum(allowed[i, p[i]] for i in rows) for p in permutations(range(allowed.shape[1]), len(allowed)))


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_over_many_retrainings_no_id_comes_back(seed):
    draws = np.random.default_rng(seed)
    model = named(draws.normal(size=(4, 2)))
    gone = set()
    for _ in range(8):
        now = draws.normal(size=(int(draws.integers(1, 6)), 2))
        model = carry_over(model, now, draws.integers(0, 3, (len(model.ids), len(now))))
        gone |= set(model.retired)
        assert gone == set(model.retired)
        assert not gone & set(model.ids)
