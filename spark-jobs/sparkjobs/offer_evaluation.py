"""Recall of redeemed offers for every ranker: among the first k of a campaign, for who redeemed something of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import pandas as pd

from sparkjobs.evaluation import Interval, interval, recalls
from sparkjobs.offer_rankers import RANKERS, TUNABLE, Evidence, Ranker
from sparkjobs.offer_records import Records, Round, round_at

ALL, EXPOSED = "all", "exposure known"
SLICES = ("all", "new", "known")
PRODUCT, RIVAL = "offer score", "own purchases of what is listed"
COLUMNS = ["ranker", "metric", "campaigns", "offers", "value", "lower", "upper", "rankings", "entities"]
SELECTION = (
    "Selection flatters what goes by own purchases: of campaigns without known exposure each entity got a few coupons, "
    "chosen by what it buys, and which ones is not recorded. So see those whose exposure is known, too"
)
LOGGED = "No recall of logged redemptions tells what our own choice of offers would change"


@dataclass
class OfferTrial:
    """Recalls of rankers on the same rankings: one for each entity and campaign of which it redeemed something."""

    exposed_types: list[str]
    tops: list[int]
    entities: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=int))  # [rankings]
    campaigns: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=object))  # [rankings]
    types: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=object))  # [rankings]
    recalls: dict[tuple[str, int, str], np.ndarray] = field(default_factory=dict)  # (ranker, k, slice) -> [rankings]

    def add(self, evidence: Evidence, rankers: Mapping[str, Ranker]) -> None:
        """One more round, ranked by all; raises ValueError for other rankers than those of the rounds before."""
        found = rankings(evidence.round)
        if self.recalls and set(rankers) != {name for name, _, _ in self.recalls}:
            raise ValueError("Cannot compare rankers that ranked different rounds")
        self.entities = np.concatenate([self.entities, evidence.round.entities[found["entity"]]])
        self.campaigns = np.concatenate([self.campaigns, found["campaign"]])
        self.types = np.concatenate([self.types, found["type"]])
        for name, rank in rankers.items():
            scores = rank(evidence)
            for k, slice_ in product(self.tops, SLICES):
                values = recall(evidence.round, scores, found, k, slice_)
                earlier = self.recalls.get((name, k, slice_), np.empty(0))
                self.recalls[name, k, slice_] = np.concatenate([earlier, values])

    def of(self, campaigns: str) -> np.ndarray:
        """Which rankings belong to ALL, EXPOSED or one campaign: bool [rankings]."""
        if campaigns == ALL:
            return np.ones(len(self.campaigns), dtype=bool)
        return np.isin(self.types, self.exposed_types) if campaigns == EXPOSED else self.campaigns == campaigns

    def interval(self, values: np.ndarray, campaigns: str, seed: int, replicates: int = 1000) -> Interval:
        """Mean over the rankings of `campaigns` with 95 % bounds, whole entities drawn."""
        return interval(np.where(self.of(campaigns), values, np.nan), self.entities, replicates, 0.95, seed)

    def rows(self, seed: int) -> pd.DataFrame:
        """COLUMNS: each ranker by campaigns and slice, then the paired gain of the product's score over its rival."""
        rows = []
        groups = [(group, slice_) for group in (ALL, EXPOSED) for slice_ in SLICES]
        groups += [(campaign, "all") for campaign in dict.fromkeys(self.campaigns)]
        for name, k, (group, slice_) in product(self.rankers, self.tops, groups):
            found = self.interval(self.recalls[name, k, slice_], group, seed)
            rows.append((name, f"recall@{k}", group, slice_, *_cells(found)))
        if {PRODUCT, RIVAL} <= set(self.rankers):
            for k, (group, slice_) in product(self.tops, groups):
                gain = self.recalls[PRODUCT, k, slice_] - self.recalls[RIVAL, k, slice_]
                found = self.interval(gain, group, seed)
                rows.append((PRODUCT, f"recall@{k} gain over {RIVAL}", group, slice_, *_cells(found)))
        return pd.DataFrame(rows, columns=COLUMNS)

    @property
    def rankers(self) -> list[str]:
        return list(dict.fromkeys(name for name, _, _ in self.recalls))

    def objective(self, ranker: str) -> float:
        """What is tuned for: the mean of the recalls at each k, of all campaigns and of those of known exposure."""
        cells = [self.recalls[ranker, k, "all"][self.of(group)] for k in self.tops for group in (ALL, EXPOSED)]
        return float(np.mean([cell.mean() for cell in cells if len(cell)]))


def rankings(round_: Round) -> pd.DataFrame:
    """entity (position), campaign, type: who redeemed something of which campaign of the round."""
    offers = round_.offers
    rows = []
    for campaign, of_campaign in offers.groupby("campaign", sort=True):
        redeeming = np.flatnonzero(round_.redeemed[:, of_campaign.index].any(axis=1))
        rows += [(entity, campaign, of_campaign["type"].iloc[0]) for entity in redeeming]
    return pd.DataFrame(rows, columns=["entity", "campaign", "type"])


def recall(round_: Round, scores: np.ndarray, found: pd.DataFrame, k: int, slice_: str) -> np.ndarray:
    """Recall@k of each of the rankings `found`: redeemed offers among the first k of the campaign / min(k, redeemed).

    All offers of the campaign are ranked in every slice; in "new" and "known" only such redemptions count. NaN where
    none does.
    """
    wanted = {"all": np.ones(len(round_.offers), dtype=bool), "new": round_.offers["new"].to_numpy()}
    wanted["known"] = ~wanted["new"]
    of_campaign = found["campaign"].to_numpy()[:, None] == round_.offers["campaign"].to_numpy()[None, :]
    entities = found["entity"].to_numpy(dtype=int)
    candidates = of_campaign & round_.entitled[entities]
    targets = round_.redeemed[entities] & wanted[slice_]
    return recalls(scores[entities], targets, candidates, k, np.zeros(len(found), dtype=int))


def _cells(found: Interval) -> tuple[float | None, float | None, float | None, int, int]:
    numbers = [None if value != value else value for value in (found.value, found.lower, found.upper)]
    return (*numbers, found.visits, found.entities)


def earlier_rounds(records: Records, first: int, day: int) -> Iterable[Round]:
    """One round for each day from `first` to before `day` on which campaigns begin; redemptions from `day` on are
    unknown, also of campaigns that go on.
    """
    starts = records.campaigns[records.campaigns["start"].between(first, day - 1)]
    for start, begun in starts.groupby("start"):
        campaigns = [campaign for campaign in begun["campaign"] if _ready(records, campaign)]
        if campaigns:
            yield round_at(records, campaigns, int(start), day)


def _ready(records: Records, campaign: str) -> bool:
    """Whether a campaign has both coupons and targets."""
    return bool((records.coupons["campaign"] == campaign).any() and (records.targets["campaign"] == campaign).any())


def tuned(rounds: Iterable[Round], exposed_types: list[str], tops: list[int]) -> list[tuple[str, str, float]]:
    """(ranker, parameters, objective) of everything in TUNABLE on these rounds, in its order."""
    trial = OfferTrial(exposed_types, tops)
    variants = {f"{name}: {label}": rank for name, of in TUNABLE.items() for label, rank in of.items()}
    for round_ in rounds:
        trial.add(Evidence(round_), variants)
    return [(name, label, trial.objective(f"{name}: {label}")) for name, of in TUNABLE.items() for label in of]


def evaluated(round_: Round, exposed_types: list[str], tops: list[int], scorer=None) -> OfferTrial:
    """All RANKERS on one round; `scorer` (a published one) gives the likings, None: counts fitted on what is known."""
    trial = OfferTrial(exposed_types, tops)
    trial.add(Evidence(round_, scorer), RANKERS)
    return trial
