"""Count baselines: what a model has to beat, and what scores when it does not."""

from dataclasses import dataclass, field, replace

import numpy as np

from sparkjobs.counts import counts_before
from sparkjobs.evaluation import evaluate
from sparkjobs.lifts import Lifts, lifts
from sparkjobs.neighbours import Neighbours, neighbours
from sparkjobs.sequences import Sequences

HALF_LIVES = (30.0, 60.0, 120.0, 240.0)  # days
POPULARITY_WEIGHTS = (1.0, 3.0, 10.0)
NEIGHBOUR_WEIGHTS = (1.0, 3.0)
LIFT_POWERS = (0.25, 0.5)
TIE_BREAK = 1e-3  # orders equal counts by popularity, never unequal ones


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


@dataclass(frozen=True)
class Tuned:
    """Baselines with tuned parameters, fitted before the tuning period, and their recall@k in it."""

    baselines: list[Baseline]
    recall: dict[str, float]

    def best(self) -> Baseline:
        """The best that needs no context."""
        return max((b for b in self.baselines if not b.uses_context), key=lambda b: self.recall[b.name])


def tune(
    fit: Sequences, sequences: Sequences, visits: np.ndarray, context: list[str], k: int, excluded: np.ndarray
) -> Tuned:
    """Fits each baseline on `fit` and picks its parameters by recall@k on `visits`, the tuning period: Tuned.

    One parameter at a time, each from a short list: the surface is flat, and the test period is never looked at.
    """
    share = popularity(fit)
    recall: dict[str, float] = {}

    def pick(candidates: list[Baseline]) -> Baseline:
        values = [float(np.nanmean(evaluate(c, sequences, visits, k, excluded, ("main",))["main"])) for c in candidates]
        best = int(np.argmax(values))
        recall[candidates[best].name] = values[best]
        return candidates[best]

    chosen = [pick([Baseline("popularity", share, own=0.0, popularity_weight=1.0)])]
    chosen.append(pick([Baseline("own-frequency", share, popularity_weight=TIE_BREAK)]))
    start = Baseline("decayed", share, popularity_weight=3.0)
    decayed = pick([replace(start, half_life=half_life) for half_life in HALF_LIVES])
    decayed = pick([replace(decayed, popularity_weight=weight) for weight in POPULARITY_WEIGHTS])
    chosen.append(decayed)
    near = neighbours(fit)
    if near is not None:
        base = replace(decayed, name="decayed+neighbours", near=near)
        chosen.append(pick([replace(base, neighbour_weight=weight) for weight in NEIGHBOUR_WEIGHTS]))
    lift = lifts(fit, context, share)
    if lift is not None:
        base = replace(decayed, name="decayed*context", lifts=lift)
        chosen.append(pick([replace(base, lift_power=power) for power in LIFT_POWERS]))
    return Tuned(chosen, recall)
