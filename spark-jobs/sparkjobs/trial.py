"""A trial of the model against the count baselines: tune, train, evaluate, judge."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from sparkjobs.baselines import Search
from sparkjobs.context import Context, context_of
from sparkjobs.evaluation import SLICES, Interval, evaluate, interval
from sparkjobs.failure import InputError
from sparkjobs.gate import Verdict, judge
from sparkjobs.next_visit import Shape
from sparkjobs.scorer import ModelScorer
from sparkjobs.sequences import Sequences, sequences_of, vocabulary
from sparkjobs.training import Recipe
from sparkjobs.trips import Trips, trips_of
from sparkjobs.tuning import BASELINES, COMPARED, Rival, Tuned, tune
from sparkjobs.visit_groups import grouped, labelled

COLUMNS = ["scorer", "metric", "context", "slice", "value", "lower", "upper", "visits", "entities"]


@dataclass(frozen=True)
class Period:
    """What is known before a cut-off, and the visits after it that are to be foretold."""

    categories: list[str]
    excluded: np.ndarray  # bool [categories]
    sequences: Sequences  # all visits
    fit: Sequences  # visits before the cut-off; everything is fitted on these
    visits: np.ndarray  # positions in `sequences` to foretell
    trips: Trips  # of `sequences`


@dataclass
class Trial:
    """Recalls of every scorer on the test visits, as they come in: (scorer, context) -> slice -> [visits].

    `segments` (entity -> segment) only groups what is reported. They may have been found later than the cut-off, and
    thus know the test period: no score and no decision may rest on them.
    """

    settings: dict[str, Any]
    period: Period
    recalls: dict[tuple[str, str], dict[str, np.ndarray]] = field(default_factory=dict)
    models: set[str] = field(default_factory=set)  # which of the scorers are models
    tuning: list[tuple[str, str, Interval]] = field(default_factory=list)  # scorer, context, recall when tuned
    segments: dict[str, str] = field(default_factory=dict)

    @property
    def model(self) -> str:
        """The one that is judged."""
        return self.settings["model"]

    def add_tuning(self, chosen: Tuned) -> None:
        """What the baselines reached in the tuning period."""
        for baseline in chosen.baselines:
            found = self._bounds(chosen.recalls[baseline.name], chosen.owner)
            self.tuning.append((baseline.name, "known" if baseline.uses_context else "unknown", found))

    def add_baselines(self, baselines: list[Rival]) -> None:
        """Raises ValueError for one that saw other visits than those before the cut-off; `add_model` too."""
        for baseline in baselines:
            self._check_cut(baseline)
            self._add(baseline.name, "known" if baseline.uses_context else "unknown", baseline)

    def add_model(self, scorer: ModelScorer) -> None:
        self._check_cut(scorer)
        self.models.add(scorer.name)
        for context in ("unknown", "known"):
            known = context == "known"
            self._add(scorer.name, context, lambda s, v, known=known: scorer.score_visits(s, v, known))

    def _check_cut(self, scorer: Rival | ModelScorer) -> None:
        """One that knows more recent visits than another wins by that."""
        cut = self.period.fit.last_day
        if scorer.seen_to != cut:
            raise ValueError(
                f"Cannot compare {scorer.name}: it saw visits up to day {scorer.seen_to}, not up to day {cut}"
            )

    def _add(self, name: str, context: str, score: Any) -> None:
        p, k = self.period, self.settings["gate"]["topK"]
        self.recalls[name, context] = evaluate(score, p.sequences, p.visits, k, p.excluded, trips=p.trips)

    @property
    def metric(self) -> str:
        return f"recall@{self.settings['gate']['topK']}"

    def interval(self, values: np.ndarray) -> Interval:
        return self._bounds(values, self.period.sequences.owner()[self.period.visits])

    def _bounds(self, values: np.ndarray, owner: np.ndarray) -> Interval:
        gate = self.settings["gate"]
        return interval(values, owner, gate["replicates"], gate["confidence"], self.settings["seed"])

    def gains(self, context: str, slice_: str = "main") -> dict[str, Interval]:
        """The model's paired gain over each baseline of no more information (known context may do without it)."""
        return {
            name: self._gain(name, needs, context, slice_)
            for name, needs in self.recalls
            if name not in {self.model, *self.models} and (needs == "unknown" or context == "known")
        }

    def gains_over_models(self, context: str) -> dict[str, Interval]:
        """The judged model's paired gain over each other one that knew as much; the gate does not ask for it."""
        others = (name for name, needs in self.recalls if name in self.models - {self.model} and needs == context)
        return {name: self._gain(name, context, context) for name in others}

    def _gain(self, rival: str, needs: str, context: str, slice_: str = "main") -> Interval:
        return self.interval(self.recalls[self.model, context][slice_] - self.recalls[rival, needs][slice_])

    def groups(self) -> list[tuple[str, str, np.ndarray]]:
        """Groups of the period's visits: (grouping, label, bool [visits])."""
        p = self.period
        owners = p.sequences.entities[p.sequences.owner()[p.visits]]
        of_segment = labelled("segment", [self.segments.get(entity) for entity in owners])
        return [*grouped(p.sequences, p.visits), *of_segment]

    def by_group(self, rival: str) -> list[list[Any]]:
        """Of slice main, context unknown: grouping, group, visits, both recalls, the paired gain and its bounds.

        The last row is of slice main trips, where there is one.
        """
        every = np.ones(len(self.period.visits), dtype=bool)
        groups = [("main", *group) for group in self.groups()]
        if "main trips" in self.recalls[self.model, "unknown"]:
            groups.append(("main trips", "trips", "put together", every))
        rows = []
        for slice_, grouping, label, members in groups:
            own, other = self.recalls[self.model, "unknown"][slice_], self.recalls[rival, "unknown"][slice_]
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
        return judge(self.model, self.gains("unknown"), gate["margin"], gate["confidence"], self.metric)

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
            for slice_ in ("main", "main trips"):
                for name, gain in self.gains(context, slice_).items():
                    rows.append((self.model, f"{self.metric} gain over {name}", context, slice_, *_cells(gain)))
            for name, gain in self.gains_over_models(context).items():
                rows.append((self.model, f"{self.metric} gain over {name}", context, "main", *_cells(gain)))
        for name, context, found in self.tuning:
            rows.append((name, f"{self.metric} in the tuning period", context, "main", *_cells(found)))
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
    trips = trips_of(sequences, np.concatenate([np.asarray(times, dtype=np.int64) for times in histories["times"]]))
    # Entities that come later must not show either, not even as empty histories.
    return Period(categories, excluded, sequences, sequences.before(first).occupied(), visits, trips)


def tuned(histories: pd.DataFrame, settings: dict[str, Any]) -> Tuned:
    """Baselines with parameters picked in the tuning period."""
    split = settings["split"]
    p = period(histories, settings, split["tune"], split["test"])
    search = Search(p.fit, p.sequences, p.visits, settings["context"], settings["gate"]["topK"], p.excluded)
    return tune(search, (*BASELINES, *COMPARED) if settings["compare"] else BASELINES)


def refitted(chosen: Tuned, p: Period, settings: dict[str, Any]) -> list[Rival]:
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
