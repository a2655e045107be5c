"""A trial of the model against the count baselines: tune, train, evaluate, judge."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from sparkjobs.baselines import Baseline, Tuned, tune
from sparkjobs.context import Context, context_of
from sparkjobs.evaluation import SLICES, Interval, evaluate, interval
from sparkjobs.failure import InputError
from sparkjobs.gate import Verdict, judge
from sparkjobs.scorer import TxtScorer
from sparkjobs.sequences import Sequences, sequences_of, vocabulary
from sparkjobs.training import Recipe
from sparkjobs.txt import Shape
from sparkjobs.visit_groups import grouped

MODEL = "txt"
COLUMNS = ["scorer", "metric", "context", "slice", "value", "lower", "upper", "visits", "entities"]


@dataclass(frozen=True)
class Period:
    """What is known before a cut-off, and the visits after it that are to be foretold."""

    categories: list[str]
    excluded: np.ndarray  # bool [categories]
    sequences: Sequences  # all visits
    fit: Sequences  # visits before the cut-off; everything is fitted on these
    visits: np.ndarray  # positions in `sequences` to foretell


@dataclass
class Trial:
    """Recalls of every scorer on the test visits, as they come in: (scorer, context) -> slice -> [visits]."""

    settings: dict[str, Any]
    period: Period
    recalls: dict[tuple[str, str], dict[str, np.ndarray]] = field(default_factory=dict)

    def add_baselines(self, baselines: list[Baseline]) -> None:
        """Raises ValueError for one that saw other visits than those before the cut-off; `add_model` too."""
        for baseline in baselines:
            self._check_cut(baseline)
            self._add(baseline.name, "known" if baseline.uses_context else "unknown", baseline)

    def add_model(self, scorer: TxtScorer) -> None:
        self._check_cut(scorer)
        for context in ("unknown", "known"):
            known = context == "known"
            self._add(scorer.name, context, lambda s, v, known=known: scorer.score_visits(s, v, known))

    def _check_cut(self, scorer: Baseline | TxtScorer) -> None:
        """One that knows more recent visits than another wins by that."""
        cut = self.period.fit.last_day
        if scorer.seen_to != cut:
            raise ValueError(
                f"Cannot compare {scorer.name}: it saw visits up to day {scorer.seen_to}, not up to day {cut}"
            )

    def _add(self, name: str, context: str, score: Any) -> None:
        p, k = self.period, self.settings["gate"]["topK"]
        self.recalls[name, context] = evaluate(score, p.sequences, p.visits, k, p.excluded)

    @property
    def metric(self) -> str:
        return f"recall@{self.settings['gate']['topK']}"

    def interval(self, values: np.ndarray) -> Interval:
        gate = self.settings["gate"]
        owner = self.period.sequences.owner()[self.period.visits]
        return interval(values, owner, gate["replicates"], gate["confidence"], self.settings["seed"])

    def gains(self, context: str) -> dict[str, Interval]:
        """The model's paired gain over each baseline of no more information (known context may do without it)."""
        own = self.recalls[MODEL, context]["main"]
        return {
            name: self.interval(own - other["main"])
            for (name, needs), other in self.recalls.items()
            if name != MODEL and (needs == "unknown" or context == "known")
        }

    def groups(self) -> list[tuple[str, str, np.ndarray]]:
        """Groups of the period's visits: (grouping, label, bool [visits])."""
        return list(grouped(self.period.sequences, self.period.visits))

    def by_group(self, rival: str) -> list[list[Any]]:
        """Of slice main, context unknown: grouping, group, visits, both recalls, the paired gain and its bounds."""
        own, other = self.recalls[MODEL, "unknown"]["main"], self.recalls[rival, "unknown"]["main"]
        rows = []
        for grouping, label, members in self.groups():
            first, second, gain = (
                self.interval(np.where(members, values, np.nan)) for values in (other, own, own - other)
            )
            if gain.visits:
                told = [round(found.value, 4) for found in (first, second)]
                rows.append(
                    [
                        grouping,
                        label,
                        gain.visits,
                        *told,
                        f"{gain.value:+.4f}",
                        f"{gain.lower:+.4f} to {gain.upper:+.4f}",
                    ]
                )
        return rows

    def judge(self) -> Verdict:
        """The gate's verdict, context unknown: batch scoring knows neither hour nor place of the next visit."""
        gate = self.settings["gate"]
        return judge(MODEL, self.gains("unknown"), gate["margin"], gate["confidence"], self.metric)

    def rows(self) -> pd.DataFrame:
        """The evaluation table: each scorer by slice and by group, then the model's paired gains over each baseline."""
        rows = []
        for (name, context), by_slice in self.recalls.items():
            for slice_ in SLICES:
                rows.append((name, self.metric, context, slice_, *_cells(self.interval(by_slice[slice_]))))
            for grouping, label, members in self.groups():
                found = self.interval(np.where(members, by_slice["main"], np.nan))
                rows.append((name, self.metric, context, f"main, {grouping} {label}", *_cells(found)))
        for context in ("unknown", "known"):
            for name, gain in self.gains(context).items():
                rows.append((MODEL, f"{self.metric} gain over {name}", context, "main", *_cells(gain)))
        return pd.DataFrame(rows, columns=COLUMNS)


def _cells(found: Interval) -> tuple[float | None, float | None, float | None, int, int]:
    numbers = [None if value != value else value for value in (found.value, found.lower, found.upper)]
    return (*numbers, found.visits, found.entities)


def period(histories: pd.DataFrame, settings: dict[str, Any], cut: str, end: str) -> Period:
    """Splits at local day `cut`; later visits decide neither vocabulary nor counts. Raises InputError for no visits."""
    first, last = date.fromisoformat(cut), date.fromisoformat(end)
    categories = vocabulary(histories, first)
    sequences = sequences_of(histories, categories)
    visits = sequences.between(first, last)
    remedy = "Give split days within the dates of the lines"
    if not categories:
        raise InputError(f"Cannot train: there is no visit with a category before {cut}", remedy)
    if len(visits) == 0:
        raise InputError(f"Cannot evaluate: there is no visit with a category from {cut} to before {end}", remedy)
    excluded = np.isin(np.array(categories, dtype=object), settings["excludeCategories"])
    if excluded[sequences.entries(visits)[1]].all():
        raise InputError(
            f"Cannot evaluate: the visits from {cut} to before {end} hold no category of before {cut} that counts",
            "Leave some categories out of excludeCategories",
        )
    # Entities that come later must not show either, not even as empty histories.
    return Period(categories, excluded, sequences, sequences.before(first).occupied(), visits)


def tuned(histories: pd.DataFrame, settings: dict[str, Any]) -> Tuned:
    """Baselines with parameters picked in the tuning period."""
    split = settings["split"]
    p = period(histories, settings, split["tune"], split["test"])
    return tune(p.fit, p.sequences, p.visits, settings["context"], settings["gate"]["topK"], p.excluded)


def refitted(chosen: Tuned, p: Period, settings: dict[str, Any]) -> list[Baseline]:
    """The tuned parameters on the counts that the model is trained on, too."""
    return [baseline.fitted(p.fit, settings["context"]) for baseline in chosen.baselines]


def model_of(settings: dict[str, Any], p: Period) -> tuple[Context, Shape, Recipe]:
    """What to train: context vocabularies from before the cut-off, the model's shape, and how."""
    h = settings["hyperparameters"]
    context = context_of(p.fit, settings["context"])
    half_lives = tuple(float(days) for days in h["halfLives"])
    shape = Shape(
        len(p.categories), context.sizes, half_lives, h["window"], h["dim"], h["layers"], h["heads"], h["dropout"]
    )
    recipe = Recipe(h["epochs"], h["batch"], h["learningRate"], h["weightDecay"], h["contextDropout"], settings["seed"])
    return context, shape, recipe
