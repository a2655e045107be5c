"""Logistic regression on what counting tells of a visit and a category: the strongest baseline that learns weights."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from sparkjobs.baselines import Picked, Search, popularity
from sparkjobs.counts import counts_before
from sparkjobs.lifts import Lifts, lifts
from sparkjobs.neighbours import Neighbours, neighbours
from sparkjobs.purchase_days import purchase_days
from sparkjobs.sequences import Sequences
from sparkjobs.windows import days_between

HALF_LIVES = [7.0, 30.0, 120.0, 365.0, np.inf]  # days
STRENGTHS = (1e-4, 1e-2, 1.0)  # inverse of the L2 penalty
PRIOR = 3.0  # visits' worth of popularity in a smoothed frequency
LEARNT_DAYS = 120  # the last days before the cut, or half of all; the tables that the features use are of before these
LEARNT_VISITS = 8000  # of those days, evenly thinned
CANDIDATES = 40  # of each visit, those of highest frequency: it is among these that a ranking is decided
RANKED_BY = HALF_LIVES.index(120.0)
TUNING_VISITS = 4000  # the strength is picked on so many, evenly thinned; the score that is kept is of all
CHUNK = 512


@dataclass(frozen=True)
class Logistic:
    """score = coefficients x features of (visit, category): twelve of counts, one of alike entities, one of popularity,
    and two of the lift of hour and place where the context is known.

    The gate compares with it, but it may not score: no scorer is saved for it.
    """

    name: str
    uses_context: bool
    popularity: np.ndarray = field(repr=False)  # float32 [categories]
    near: Neighbours | None = field(default=None, repr=False)
    lifts: Lifts | None = field(default=None, repr=False)
    strength: float = 1.0
    coefficients: np.ndarray | None = field(default=None, repr=False)  # float32 [features]
    seen_to: int | None = field(default=None, repr=False)  # day of the last visit that `fitted` saw
    may_serve = False

    def parameters(self) -> str:
        return f"inverse penalty {self.strength:g}"

    def __call__(self, sequences: Sequences, visits: np.ndarray) -> np.ndarray:
        """Scores of `visits` (ascending), each from what its owner did before it: float32 [visits, categories]."""
        scores = np.empty((len(visits), sequences.width), dtype=np.float32)
        for rows, features in self.features(sequences, visits):
            scores[rows] = features @ self.coefficients
        return scores

    def fitted(self, sequences: Sequences, context: list[str]) -> "Logistic":
        """The same strength, learnt from these visits."""
        return learn(self.name, sequences, context if self.uses_context else [], (self.strength,))[0]

    def features(self, sequences: Sequences, visits: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Rows of `visits`, and of these float32 [rows, categories, features], piece by piece."""
        counts, total = counts_before(sequences, visits, HALF_LIVES)
        first, last = purchase_days(sequences, visits)
        gaps = days_between(sequences)[visits]
        owners = sequences.entities[sequences.owner()[visits]]
        for start in range(0, len(visits), CHUNK):
            rows = slice(start, min(start + CHUNK, len(visits)))
            columns = self._columns(counts[rows], total[rows], first[rows], last[rows], gaps[rows], owners[rows])
            if self.lifts is not None:
                lift = np.log(self.lifts.of(sequences, visits[rows]))
                columns += [lift, lift * (counts[rows, :, -1] > 0)]
            yield rows, np.stack(columns, axis=-1, dtype=np.float32)

    def _columns(
        self,
        counts: np.ndarray,
        total: np.ndarray,
        first: np.ndarray,
        last: np.ndarray,
        gaps: np.ndarray,
        owners: np.ndarray,
    ) -> list[np.ndarray]:
        share = np.maximum(self.popularity, 1e-6)
        frequency = np.log((counts + PRIOR * share[:, None]) / (total + PRIOR)[:, None, :])
        often = counts[:, :, -1]
        pause = (first - last) / np.maximum(often - 1, 1)  # mean days between purchases
        due = np.where(often > 1, np.log((last + 1) / (pause + 1)), 0).clip(-3, 3)
        habits = np.zeros_like(often) if self.near is None else self.near.habits_near(often, owners)
        return [
            *np.moveaxis(frequency, 2, 0),
            frequency[:, :, -1] * np.log1p(total[:, -1:]),
            often > 0,
            often > 1,
            np.log1p(np.nan_to_num(last)),
            last == gaps[:, None],  # bought at the visit before
            due,
            due**2,
            np.log(habits + 1e-3),
            np.broadcast_to(np.log(share), often.shape),
        ]


def learn(name: str, sequences: Sequences, context: list[str], strengths: tuple[float, ...]) -> list[Logistic]:
    """One for each strength, learnt from the last visits of `sequences`; with context where `context` names some.

    While it learns, popularity, alike entities and lifts are of before the visits it learns from, as they will be when
    it scores: a lift that had seen the visit would be trusted too much.
    """
    days = sequences.days
    start = days.max() - min(LEARNT_DAYS, (days.max() - days.min()) // 2)
    recent = np.flatnonzero(days > start)
    recent = recent[:: max(1, -(-len(recent) // LEARNT_VISITS))]
    rows, held, weights = _examples(_untaught(name, sequences.keep(days <= start), context), sequences, recent)
    scaler = StandardScaler()
    scaled = scaler.fit_transform(rows)
    untaught = replace(_untaught(name, sequences, context), seen_to=sequences.last_day)
    learnt = []
    for strength in strengths:
        fit = LogisticRegression(C=strength, max_iter=300).fit(scaled, held, sample_weight=weights)
        coefficients = (fit.coef_[0] / scaler.scale_).astype(np.float32)
        learnt.append(replace(untaught, strength=strength, coefficients=coefficients))
    return learnt


def _untaught(name: str, sequences: Sequences, context: list[str]) -> Logistic:
    share = popularity(sequences)
    return Logistic(name, bool(context), share, neighbours(sequences), lifts(sequences, context, share))


def _examples(
    untaught: Logistic, sequences: Sequences, visits: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features of each visit's candidates, whether it holds them, and weights: no visit counts more than another."""
    features, held, weights = [], [], []
    for rows, found in untaught.features(sequences, visits):
        bags = sequences.bags(visits[rows])
        best = np.argsort(-found[:, :, RANKED_BY], axis=1, kind="stable")[:, :CANDIDATES]
        features.append(np.take_along_axis(found, best[:, :, None], axis=1).reshape(-1, found.shape[2]))
        held.append(np.take_along_axis(bags, best, axis=1).ravel())
        weights.append(np.repeat(1 / np.maximum(bags.sum(axis=1), 1), best.shape[1]))
    return np.concatenate(features), np.concatenate(held), np.concatenate(weights)


def logistic(search: Search, _earlier: Picked) -> Logistic | None:
    return _picked("logistic", search, [])


def logistic_in_context(search: Search, _earlier: Picked) -> Logistic | None:
    if lifts(search.fit, search.context, search.share) is None:
        return None
    return _picked("logistic*context", search, search.context)


def _picked(name: str, search: Search, context: list[str]) -> Logistic:
    learnt = learn(name, search.fit, context, STRENGTHS)
    some = search.visits[:: max(1, -(-len(search.visits) // TUNING_VISITS))]
    values = [float(np.nanmean(search.recalls_of(each, some))) for each in learnt]
    return search.pick([learnt[int(np.argmax(values))]])
