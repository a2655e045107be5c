"""Count baselines: what a model has to beat, and what scores when it does not."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

import numpy as np

from sparkjobs.counts import counts_before
from sparkjobs.evaluation import ScoreVisits, evaluate
from sparkjobs.lifts import Lifts, lifts
from sparkjobs.neighbours import Neighbours, neighbours
from sparkjobs.sequences import Sequences

HALF_LIVES = (30.0, 60.0, 120.0, 240.0)  # days
POPULARITY_WEIGHTS = (1.0, 3.0, 10.0)
NEIGHBOUR_WEIGHTS = (1.0, 3.0)
LIFT_POWERS = (0.25, 0.5)
TIE_BREAK = 1e-3  # orders equal counts by popularity, never unequal ones

B = TypeVar("B")


@dataclass(frozen=True)
class Baseline:
    """score = own x decayed counts + popularity_weight x popularity + neighbour_weight x habits of alike entities,
    times lift ** lift_power where the context is known."""

    name: str
    popularity: np.ndarray = field(repr=False)  # float32 [categories], share of visits
    own: float = 1.0
    half_life: float = np.inf  # days
    popularity_weight: float = 0.0
    neighbour_weight: float = 0.0
    lift_power: float = 0.0
    near: Neighbours | None = field(default=None, repr=False)
    lifts: Lifts | None = field(default=None, repr=False)
    seen_to: int | None = field(default=None, repr=False)  # day of the last visit that `fitted` saw
    may_serve = True  # whether it can be published as what scores

    @property
    def uses_context(self) -> bool:
        return self.lift_power != 0

    def parameters(self) -> str:
        """What was tuned, in words."""
        told = {
            "own counts": self.own,
            "half-life in days": self.half_life if np.isfinite(self.half_life) else 0.0,
            "popularity": self.popularity_weight,
            "neighbours": self.neighbour_weight,
            "power of the context's lift": self.lift_power,
        }
        return ", ".join(f"{name} {value:g}" for name, value in told.items() if value)

    def __call__(self, sequences: Sequences, visits: np.ndarray) -> np.ndarray:
        """Scores of `visits` (ascending), each from what its owner did before it: float32 [visits, categories]."""
        scores = np.tile(np.float32(self.popularity_weight) * self.popularity, (len(visits), 1))
        asked = [self.half_life, np.inf] if self.near is not None else [self.half_life]
        counts, _ = counts_before(sequences, visits, asked)
        scores += np.float32(self.own) * counts[:, :, 0]
        if self.near is not None:
            owners = sequences.entities[sequences.owner()[visits]]
            scores += np.float32(self.neighbour_weight) * self.near.habits_near(counts[:, :, 1], owners)
        if self.lifts is not None:
            scores *= self.lifts.of(sequences, visits) ** np.float32(self.lift_power)
        return scores

    def fitted(self, sequences: Sequences, context: list[str]) -> "Baseline":
        """The same parameters on the counts of these visits."""
        share = popularity(sequences)
        return replace(
            self,
            popularity=share,
            near=neighbours(sequences) if self.neighbour_weight else None,
            lifts=lifts(sequences, context, share) if self.lift_power else None,
            seen_to=sequences.last_day,
        )


def popularity(sequences: Sequences) -> np.ndarray:
    """Share of visits that hold each category: float32 [categories]."""
    counts = np.bincount(sequences.bag[sequences.bag >= 0], minlength=sequences.width)
    return (counts / max(1, sequences.visits)).astype(np.float32)


@dataclass
class Search:
    """What baselines are fitted on (`fit`) and tuned on (`visits` of `sequences`), and how the picked ones did."""

    fit: Sequences
    sequences: Sequences
    visits: np.ndarray  # positions in `sequences` of the tuning period, ascending
    context: list[str]
    k: int
    excluded: np.ndarray  # bool [categories]
    recalls: dict[str, np.ndarray] = field(default_factory=dict)  # of each picked one: float64 [visits]

    @cached_property
    def share(self) -> np.ndarray:
        return popularity(self.fit)

    def recalls_of(self, score: ScoreVisits, visits: np.ndarray) -> np.ndarray:
        return evaluate(score, self.sequences, visits, self.k, self.excluded, ("main",))["main"]

    def pick(self, candidates: list[B]) -> B:
        """The one of best mean recall@k, the first of equals."""
        values = [self.recalls_of(candidate, self.visits) for candidate in candidates]
        best = int(np.argmax([float(np.nanmean(found)) for found in values]))
        self.recalls[candidates[best].name] = values[best]
        return candidates[best]


Picked = dict[str, Baseline]  # those picked before, by name


def popular(search: Search, _picked: Picked) -> Baseline:
    return search.pick([Baseline("popularity", search.share, own=0.0, popularity_weight=1.0)])


def own_frequency(search: Search, _picked: Picked) -> Baseline:
    return search.pick([Baseline("own-frequency", search.share, popularity_weight=TIE_BREAK)])


def decayed(search: Search, _picked: Picked) -> Baseline:
    start = Baseline("decayed", search.share, popularity_weight=3.0)
    found = search.pick([replace(start, half_life=half_life) for half_life in HALF_LIVES])
    return search.pick([replace(found, popularity_weight=weight) for weight in POPULARITY_WEIGHTS])


def decayed_near(search: Search, picked: Picked) -> Baseline | None:
    near = neighbours(search.fit)
    if near is None:
        return None
    base = replace(picked["decayed"], name="decayed+neighbours", near=near)
    return search.pick([replace(base, neighbour_weight=weight) for weight in NEIGHBOUR_WEIGHTS])


def decayed_in_context(search: Search, picked: Picked) -> Baseline | None:
    lift = lifts(search.fit, search.context, search.share)
    if lift is None:
        return None
    base = replace(picked["decayed"], name="decayed*context", lifts=lift)
    return search.pick([replace(base, lift_power=power) for power in LIFT_POWERS])
