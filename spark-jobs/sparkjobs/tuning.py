"""Which baselines there are, and their parameters picked in the tuning period, the test period never looked at.

To add one: a function that picks it, and a line in one of the lists here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sparkjobs.baselines import (
    Baseline,
    Picked,
    Search,
    decayed,
    decayed_in_context,
    decayed_near,
    own_frequency,
    popular,
)
from sparkjobs.logistic import logistic, logistic_in_context
from sparkjobs.sequences import Sequences


class Rival(Protocol):
    """A baseline as the trial sees it: scores visits, and can be fitted again with the same parameters."""

    name: str
    may_serve: bool
    seen_to: int | None

    @property
    def uses_context(self) -> bool: ...

    def parameters(self) -> str: ...

    def fitted(self, sequences: Sequences, context: list[str]) -> Any: ...

    def __call__(self, sequences: Sequences, visits: np.ndarray) -> np.ndarray: ...


Pick = Callable[[Search, Picked], Rival | None]  # None where the data or the context are not enough for it
BASELINES: tuple[Pick, ...] = (popular, own_frequency, decayed, decayed_near, decayed_in_context)
COMPARED: tuple[Pick, ...] = (logistic, logistic_in_context)  # take seconds, so only where models are compared, too


@dataclass(frozen=True)
class Tuned:
    """Baselines with tuned parameters, fitted before the tuning period, and their recall@k of each visit in it."""

    baselines: list[Rival]
    recalls: dict[str, np.ndarray]  # float64 [visits], NaN for a visit without a target
    owner: np.ndarray  # int64 [visits], the entity of each

    @property
    def recall(self) -> dict[str, float]:
        """The mean of each."""
        return {name: float(np.nanmean(values)) for name, values in self.recalls.items()}

    def best(self) -> Baseline:
        """The best that needs no context, among those that may score."""
        means = self.recall
        return max((b for b in self.baselines if b.may_serve and not b.uses_context), key=lambda b: means[b.name])


def tune(search: Search, picks: tuple[Pick, ...] = BASELINES) -> Tuned:
    """Fits each baseline before the tuning period and picks its parameters by recall@k in it.

    One parameter at a time, each from a short list, since the surface is flat.
    """
    picked: dict[str, Any] = {}
    for pick in picks:
        found = pick(search, picked)
        if found is not None:
            picked[found.name] = found
    owner = search.sequences.owner()[search.visits]
    return Tuned(list(picked.values()), search.recalls, owner)
