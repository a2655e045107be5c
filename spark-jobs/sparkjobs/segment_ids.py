"""Ids of segments that outlive a retraining: matched by the members they share, and never given twice."""

import re
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from sparkjobs.failure import InputError

# As a share of the way from the last centroid to its nearest neighbour. Up to a half, the new centroid is nearer to
# where its own segment was than to where any other was (triangle inequality), so no id wanders to another's place.
DISTANCE_LIMIT = 0.5
_ID = re.compile(r"s([1-9][0-9]*)")


@dataclass(frozen=True)
class SegmentModel:
    """Centroids under the ids that people know them by; `retired` are ids of earlier models, never to be given again.

    Raises InputError for ids that are not s1, s2, ..., occur twice, or are more or fewer than the centroids.
    """

    ids: list[str]
    centroids: np.ndarray  # float64 [segments, features], scaled
    retired: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        given = [*self.ids, *self.retired]
        wrong = [name for name in given if not _ID.fullmatch(name)] or [n for n in given if given.count(n) > 1]
        if wrong:
            raise InputError(f"Cannot use the segment model: id {wrong[0]} is malformed or occurs twice", _REMEDY)
        if len(self.ids) != len(self.centroids):
            message = f"Cannot use the segment model: {len(self.ids)} ids for {len(self.centroids)} centroids"
            raise InputError(message, _REMEDY)


_REMEDY = "Restore a published version of the model, or train without an earlier one"


def named(centroids: np.ndarray) -> SegmentModel:
    """The first model: s1, s2, ... in the order of the centroids."""
    return SegmentModel([f"s{index + 1}" for index in range(len(centroids))], centroids)


def shared_members(before: np.ndarray, now: np.ndarray, previous: int, current: int) -> np.ndarray:
    """How many members each last segment and each new cluster share: int64 [previous, current].

    `before` and `now` [n] are the positions of the same customers in the two models, on the same data.
    """
    counts = np.zeros((previous, current), dtype=np.int64)
    np.add.at(counts, (before, now), 1)
    return counts


def carry_over(
    previous: SegmentModel, centroids: np.ndarray, shared: np.ndarray, limit: float = DISTANCE_LIMIT
) -> SegmentModel:
    """The retrained `centroids` [clusters, features] under the ids of the segments whose members they took over.

    Of all one-to-one matchings it takes that in which most customers keep their id (`shared` [segments, clusters], as
    `shared_members` counts them); among equals the one with nearer centroids. A match is refused when the centroid is
    further from the last one than `limit` of the way to that one's nearest neighbour, and when both have members but
    none in common. Who is left without a match gets a new id; the id of a segment without one is retired.
    Raises InputError when the shapes do not agree or a centroid is not finite.
    """
    sizes = (len(previous.ids), len(centroids))
    if not all(sizes) or shared.shape != sizes or previous.centroids.shape[1:] != centroids.shape[1:]:
        raise InputError(f"Cannot match segments: models of {sizes}, shared members {shared.shape}", _REMEDY)
    if not (np.isfinite(centroids).all() and np.isfinite(previous.centroids).all()):
        raise InputError("Cannot match segments: a centroid is not finite", "Retrain the model")
    distance = cdist(previous.centroids, centroids)
    strangers = (shared == 0) & (shared.sum(axis=1) > 0)[:, None] & (shared.sum(axis=0) > 0)
    refused = strangers | (distance > limit * _gaps(previous.centroids)[:, None])
    rows, columns = linear_sum_assignment(_cost(np.where(refused, 0, shared), distance, refused))
    kept = {int(j): previous.ids[i] for i, j in zip(rows, columns, strict=True) if not refused[i, j]}
    return _numbered(previous, centroids, kept)


def renamed(previous: SegmentModel, centroids: np.ndarray) -> SegmentModel:
    """Nothing in common with the `previous` model, such as when the features are others: new ids for all."""
    return _numbered(previous, centroids, {})


def _numbered(previous: SegmentModel, centroids: np.ndarray, kept: dict[int, str]) -> SegmentModel:
    number = max((_number(name) for name in [*previous.ids, *previous.retired]), default=0)
    ids = []
    for cluster in range(len(centroids)):
        if cluster not in kept:
            number += 1
        ids.append(kept.get(cluster, f"s{number}"))
    gone = set(previous.ids) - set(ids)
    return SegmentModel(ids, centroids, sorted({*previous.retired, *gone}, key=_number))


def _gaps(centroids: np.ndarray) -> np.ndarray:
    """Distance of each centroid to its nearest neighbour; infinite for an only one."""
    between = cdist(centroids, centroids)
    np.fill_diagonal(between, np.inf)
    return between.min(axis=1)


def _cost(shared: np.ndarray, distance: np.ndarray, refused: np.ndarray) -> np.ndarray:
    """Shared members first: all distances of a matching together weigh less than one member, a refusal as the worst."""
    nearness = np.where(refused, 1.0, distance / max(distance.max(initial=0.0), 1e-300))
    return nearness / (2 * min(distance.shape)) - shared


def _number(name: str) -> int:
    return int(name.removeprefix("s"))
