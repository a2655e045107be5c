"""Context lifts: how much likelier a category is at a place and hour than overall."""

from dataclasses import dataclass

import numpy as np

from sparkjobs.context import values_of
from sparkjobs.sequences import Sequences

JOINT = ("place", "hour")


@dataclass(frozen=True)
class Lifts:
    """Lift of each category in each context that occurred before the fit."""

    features: tuple[str, ...]
    contexts: dict[tuple[object, ...], int]
    table: np.ndarray  # float32 [contexts + 1, categories]; the last row is all ones, for contexts never seen

    def of(self, sequences: Sequences, visits: np.ndarray) -> np.ndarray:
        """float32 [visits, categories]."""
        unseen = len(self.contexts)
        return self.table[[self.contexts.get(key, unseen) for key in _keys(sequences, visits, self.features)]]


def lifts(sequences: Sequences, context: list[str], share: np.ndarray, shrinkage: float = 20.0) -> Lifts | None:
    """Lifts of the joint place x hour, as far as `context` names them; None when it names neither.

    lift = (visits with the category + shrinkage x share) / (visits + shrinkage) / share, counted within the context;
    `share` [categories] is each category's share of all visits. Rare contexts are so drawn towards 1.
    """
    features = tuple(feature for feature in JOINT if feature in context)
    if not features:
        return None
    visits = np.arange(sequences.visits)
    keys = _keys(sequences, visits, features)
    contexts = {key: index for index, key in enumerate(dict.fromkeys(keys))}
    of_visit = np.array([contexts[key] for key in keys], dtype=np.int64)
    rows, categories = sequences.entries(visits)
    counts = np.bincount(of_visit[rows] * sequences.width + categories, minlength=len(contexts) * sequences.width)
    totals = np.bincount(of_visit, minlength=len(contexts))[:, None]
    floor = np.maximum(share, 1e-9)
    table = (counts.reshape(len(contexts), -1) + shrinkage * floor) / (totals + shrinkage) / floor
    return Lifts(features, contexts, np.vstack([table, np.ones((1, sequences.width))]).astype(np.float32))


def _keys(sequences: Sequences, visits: np.ndarray, features: tuple[str, ...]) -> list[tuple[object, ...]]:
    return list(zip(*(values_of(sequences, visits, feature) for feature in features), strict=True))
