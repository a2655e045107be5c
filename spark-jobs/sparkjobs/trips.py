"""Trips: visits of an entity within half an hour of each other at one place, such as one purchase on two tickets."""

from dataclasses import dataclass, replace

import numpy as np

from sparkjobs.sequences import UNKNOWN, Sequences

GAP = 30 * 60


@dataclass(frozen=True)
class Trips:
    """Visits put together to trips: what is foretold at the first visit of a trip is all that the trip holds."""

    heads: np.ndarray  # bool [visits]: the first of its trip
    whole: Sequences  # the same visits: that of a head holds the categories of its trip, any other none


def trips_of(sequences: Sequences, times: np.ndarray) -> Trips:
    """`times`: seconds of each visit, int64 [visits]. A visit goes on with a trip when it begins at most GAP seconds
    after the one before it, at the same place; where places are not known, time alone decides.

    A category outside the vocabulary counts once for each visit of the trip, as nobody knows whether it is the same.
    """
    follows = np.zeros(sequences.visits, dtype=bool)
    follows[1:] = (np.diff(times) <= GAP) & (sequences.places[1:] == sequences.places[:-1])
    starts = sequences.starts[:-1]
    follows[starts[starts < sequences.visits]] = False
    heads = ~follows
    trip = np.cumsum(heads) - 1
    of_entry = np.repeat(trip, np.diff(sequences.bag_starts))
    known = sequences.bag != UNKNOWN
    pairs = np.unique(of_entry[known] * sequences.width + sequences.bag[known])
    owners = np.concatenate([pairs // max(sequences.width, 1), of_entry[~known]])
    bag = np.concatenate([pairs % max(sequences.width, 1), np.full((~known).sum(), UNKNOWN)])
    sizes = np.zeros(sequences.visits, dtype=np.int64)
    sizes[heads] = np.bincount(owners, minlength=int(heads.sum()))
    ordered = bag[np.argsort(owners, kind="stable")].astype(np.int32)
    whole = replace(sequences, bag=ordered, bag_starts=np.concatenate([[0], np.cumsum(sizes)]))
    return Trips(heads, whole)
