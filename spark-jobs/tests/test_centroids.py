import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparkjobs.centroids import distances, lloyd, partial_sums
from sparkjobs.failure import InputError


def cost(points, centroids):
    return float((distances(points, centroids).min(axis=1) ** 2).sum())


def cloud(seed, rows=60):
    return np.random.default_rng(seed).normal(size=(rows, 2))


def test_centroids_come_to_lie_amid_their_members():
    points = np.array([[0.0, 1.0], [2.0, 1.0], [10.0, 1.0], [12.0, 1.0]])

    fit = lloyd(points, np.array([[4.0, 0.0], [12.0, 0.0]]))

    assert fit.centroids.tolist() == [[1.0, 1.0], [11.0, 1.0]]
    assert (fit.sizes.tolist(), fit.iterations, fit.converged) == ([2, 2], 2, True)


def test_a_segment_that_loses_all_members_keeps_its_place():
    fit = lloyd(np.array([[0.0], [1.0], [2.0]]), np.array([[1.0], [50.0]]))

    assert (fit.centroids.tolist(), fit.sizes.tolist()) == ([[1.0], [50.0]], [3, 0])


def test_fewer_different_rows_than_segments_are_refused():
    with pytest.raises(InputError, match="only 2 different rows for 3 segments"):
        lloyd(np.array([[0.0], [1.0]] * 20), np.array([[0.0], [1.0], [2.0]]))


def test_a_feature_that_is_the_same_for_all_changes_nothing():
    points, start = cloud(1), cloud(2, 3)

    alone = lloyd(points, start)
    beside = lloyd(np.column_stack([points, np.zeros(60)]), np.column_stack([start, np.zeros(3)]))

    assert beside.centroids[:, :2] == pytest.approx(alone.centroids)
    assert not beside.centroids[:, 2].any()


@pytest.mark.parametrize(
    ("points", "centroids", "said"),
    [
        ([[0.0, 1.0], [0.0, np.nan]], [[0.0, 0.0]], r"features\[1\] is not finite in 1 of 2 rows"),
        ([[-np.inf, 1.0]], [[0.0, 0.0]], r"features\[0\] is not finite in 1 of 1 rows"),
        ([[0.0, 1.0]], [[0.0]], r"points are \[1, 2\], centroids \[1, 1\]"),
        ([[0.0]], [[np.nan]], "one that is not finite"),
        ([[0.0]], np.zeros((0, 1)), "no centroids"),
    ],
)
def test_what_cannot_be_measured_is_named(points, centroids, said):
    with pytest.raises(InputError, match=said):
        distances(np.array(points), np.array(centroids))


def test_it_stops_after_the_iterations_it_is_given_and_says_so():
    fit = lloyd(cloud(1), cloud(2, 3), iterations=1)

    assert (fit.iterations, fit.converged) == (1, False)


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), segments=st.integers(1, 6))
def test_a_warm_start_never_costs_more_and_ends_where_another_leaves_it(seed, segments):
    points, start = cloud(seed), cloud(seed + 1, segments)

    fit = lloyd(points, start, iterations=100)

    assert cost(points, fit.centroids) <= cost(points, start)
    assert fit.converged
    assert fit.sizes.sum() == len(points)
    assert lloyd(points, fit.centroids).centroids == pytest.approx(fit.centroids, abs=1e-3)


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), cut=st.integers(0, 60))
def test_sums_of_partitions_add_up_to_those_of_the_table(seed, cut):
    points, centroids = cloud(seed), cloud(seed + 1, 4)

    sums, sizes = partial_sums(points, centroids)
    parts = [partial_sums(part, centroids) for part in (points[:cut], points[cut:])]

    assert sum(part[0] for part in parts) == pytest.approx(sums)
    assert (sum(part[1] for part in parts) == sizes).all()
