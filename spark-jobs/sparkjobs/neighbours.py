"""Household-kNN: what entities that buy alike buy."""

from dataclasses import dataclass

import numpy as np

from sparkjobs.sequences import Sequences


@dataclass(frozen=True)
class Neighbours:
    """Buying habits of the entities known at the fit, to borrow from those that buy alike."""

    entities: np.ndarray  # str [references]
    habits: np.ndarray  # float32 [references, categories], share of the reference's visits with the category
    directions: np.ndarray  # float32 [references, categories], log1p of counts at unit length
    size: int = 50

    def habits_near(self, counts: np.ndarray, owners: np.ndarray) -> np.ndarray:
        """Mean habits of the `size` references nearest by cosine to `counts` [rows, categories], never the owner's."""
        size = min(self.size, len(self.entities) - 1)
        similarity = _directions(counts) @ self.directions.T
        position = {entity: index for index, entity in enumerate(self.entities.tolist())}
        own = np.array([position.get(owner, -1) for owner in owners], dtype=np.int64)
        similarity[own >= 0, own[own >= 0]] = -np.inf
        nearest = np.argpartition(-similarity, size - 1, axis=1)[:, :size]
        weights = np.zeros_like(similarity)
        np.put_along_axis(weights, nearest, 1.0 / size, axis=1)
        return weights @ self.habits


def neighbours(sequences: Sequences, most: int = 4000, fewest_visits: int = 5) -> Neighbours | None:
    """References from the entities with at least `fewest_visits` visits, evenly thinned to at most `most`.

    None when fewer than two entities qualify.
    """
    lengths = sequences.lengths()
    chosen = np.flatnonzero(lengths >= fewest_visits)
    chosen = chosen[:: max(1, -(-len(chosen) // most))]
    if len(chosen) < 2:
        return None
    counts = np.zeros((len(chosen), sequences.width), dtype=np.float32)
    for row, entity in enumerate(chosen):
        _, categories = sequences.entries(np.arange(sequences.starts[entity], sequences.starts[entity + 1]))
        counts[row] = np.bincount(categories, minlength=sequences.width)
    habits = counts / lengths[chosen, None].astype(np.float32)
    return Neighbours(sequences.entities[chosen].astype(str), habits, _directions(counts))


def _directions(counts: np.ndarray) -> np.ndarray:
    logs = np.log1p(counts)
    return logs / np.maximum(np.linalg.norm(logs, axis=1, keepdims=True), 1e-9)
