"""Who moved between segments from one run to the next, and whether it was the customer or the model that moved."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from sparkjobs.centroids import distances
from sparkjobs.failure import InputError
from sparkjobs.segment_ids import SegmentModel

# A customer stays until another centroid is at least this share nearer than that of its segment.
CLOSER = 0.2


@dataclass(frozen=True)
class Assignment:
    """Segment of each customer, the distance to its centroid and to the nearest of the others.

    The second distance is the smaller one where hysteresis holds a customer back; NaN when there is one segment only.
    """

    ids: np.ndarray  # str [n]
    distance: np.ndarray  # float64 [n]
    second_distance: np.ndarray  # float64 [n]


@dataclass(frozen=True)
class Population:
    """Who there is and where, in the scales of the model."""

    customers: np.ndarray  # [n], each once
    points: np.ndarray  # float64 [n, features]


@dataclass(frozen=True)
class Moves:
    """One row per customer of then or now, ascending: from which segment to which, None where it was not there.

    cause: "stayed", "behaviour", "model", "both", "new" or "lost". Distances as in Assignment, NaN for who is lost.
    """

    customers: np.ndarray  # [n]
    origin: np.ndarray  # str or None [n]
    target: np.ndarray  # str or None [n]
    cause: np.ndarray  # str [n]
    distance: np.ndarray  # float64 [n]
    second_distance: np.ndarray  # float64 [n]


def assign(
    points: np.ndarray, model: SegmentModel, held: np.ndarray | None = None, closer: float = CLOSER
) -> Assignment:
    """The segment of each of `points` [n, features], given the ids `held` [n] so far.

    A customer leaves its segment only for a centroid that is nearer by at least the share `closer` of the distance to
    its own. Who holds None, or an id that the model does not have, goes to the nearest.
    Raises InputError for a feature that is not finite and ValueError for a share outside 0..1.
    """
    if not 0 <= closer < 1:
        raise ValueError(f"closer must be at least 0 and less than 1, not {closer}")
    measured = distances(points, model.centroids)
    rows = np.arange(len(points))
    chosen = measured.argmin(axis=1)
    if held is not None:
        position = {name: index for index, name in enumerate(model.ids)}
        own = np.array([position.get(name, -1) for name in held], dtype=np.int64)
        nearest, so_far = measured[rows, chosen], measured[rows, own]
        # The second condition is for equal distances, 0 among them: nobody moves to where it is not nearer.
        leaves = (nearest <= (1 - closer) * so_far) & (nearest < so_far)
        chosen = np.where((own < 0) | leaves, chosen, own)
    distance = measured[rows, chosen]
    measured[rows, chosen] = np.inf
    second = measured.min(axis=1)
    return Assignment(np.array(model.ids, dtype=object)[chosen], distance, np.where(np.isinf(second), np.nan, second))


def causes(held: np.ndarray, new_data: np.ndarray, new_model: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Why each customer's id `now` differs from the one `held`, all [n]: "stayed", "behaviour", "model" or "both".

    `new_data` is what the last model says of the new data, `new_model` what the new model says of the last data.
    A move that neither makes alone is the model's: without the retraining the customer would have stayed.
    """
    moved = np.where(new_data == held, "model", np.where(new_model == held, "behaviour", "both"))
    return np.where(now == held, "stayed", moved).astype(object)


def moves(
    before: Population,
    held: np.ndarray,
    now: Population,
    previous: SegmentModel,
    current: SegmentModel,
    closer: float = CLOSER,
) -> Moves:
    """What became of the customers of `before`, who were in the segments `held` of the `previous` model, and of `now`.

    In a week without retraining `current` is `previous`, and only behaviour can move.
    Raises InputError for a customer that occurs twice and for held ids that the previous model does not have.
    """
    foreign = set(held) - set(previous.ids)
    if foreign:
        message = f"Cannot compare segments: {sorted(map(str, foreign))[0]} is no segment of the last model"
        raise InputError(message, "Compare with the assignment that was made with that model")
    for population in (before, now):
        if len(np.unique(population.customers)) < len(population.customers):
            raise InputError("Cannot compare segments: a customer occurs twice", "Give one row per customer")
    both, old, new = np.intersect1d(before.customers, now.customers, assume_unique=True, return_indices=True)
    gone = np.setdiff1d(np.arange(len(before.customers)), old)
    come = np.setdiff1d(np.arange(len(now.customers)), new)
    own = held[old]
    new_data = assign(now.points[new], previous, own, closer).ids
    new_model = assign(before.points[old], current, own, closer).ids
    target = assign(now.points[new], current, own, closer)
    first = assign(now.points[come], current, closer=closer)
    customers = np.concatenate([both, before.customers[gone], now.customers[come]])
    cause = [causes(own, new_data, new_model, target.ids), _all("lost", gone), _all("new", come)]
    nowhere = np.full(len(gone), np.nan)
    order = np.argsort(customers, kind="stable")
    return Moves(
        customers[order],
        np.concatenate([own, held[gone], _all(None, come)])[order],
        np.concatenate([target.ids, _all(None, gone), first.ids])[order],
        np.concatenate(cause)[order],
        np.concatenate([target.distance, nowhere, first.distance])[order],
        np.concatenate([target.second_distance, nowhere, first.second_distance])[order],
    )


def refitted(customers: np.ndarray, held: np.ndarray, now: Population, current: SegmentModel) -> Moves:
    """As `moves`, after a fit from scratch: everybody goes to the nearest centroid, and no cause can be told apart.

    `customers` [n] were in the segments `held` [n]. cause: "stayed", "refitted", "new" or "lost".
    """
    found = assign(now.points, current)
    origin = dict(zip(customers, held, strict=True))
    came = np.array([origin.get(customer) for customer in now.customers], dtype=object)
    known = np.array([customer in origin for customer in now.customers], dtype=bool)
    cause = np.where(~known, "new", np.where(found.ids == came, "stayed", "refitted")).astype(object)
    gone = ~np.isin(customers, now.customers)
    nowhere = np.full(gone.sum(), np.nan)
    return Moves(
        np.concatenate([now.customers, customers[gone]]),
        np.concatenate([came, held[gone]]),
        np.concatenate([found.ids, _all(None, nowhere)]),
        np.concatenate([cause, _all("lost", nowhere)]),
        np.concatenate([found.distance, nowhere]),
        np.concatenate([found.second_distance, nowhere]),
    )


def matrix(moves: Moves) -> list[tuple[str | None, str | None, str, int]]:
    """(from, to, cause, customers) of every combination that occurs, by ids and cause; None comes first."""
    counts = Counter(zip(moves.origin, moves.target, moves.cause, strict=True))
    cells = ((*cell, count) for cell, count in counts.items())
    return sorted(cells, key=matrix_order)


def matrix_order(row: tuple[str | None, str | None, str, int]) -> tuple[tuple[int, str], tuple[int, str], str]:
    """Sorts (from, to, cause, customers) by ids and cause; None comes first."""
    return _rank(row[0]), _rank(row[1]), row[2]


def _all(value: str | None, of: np.ndarray) -> np.ndarray:
    return np.full(len(of), value, dtype=object)


def _rank(name: str | None) -> tuple[int, str]:
    return (0, "") if name is None else (len(name), name)
