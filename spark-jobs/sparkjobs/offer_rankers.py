"""What ranks the offers of a round: the product's score, and what it is held against. A further one joins RANKERS."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, partial

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import rankdata
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

from sparkjobs.baselines import Baseline
from sparkjobs.offer_formula import PRIOR_VISITS, usual_share, worth
from sparkjobs.offer_records import Round
from sparkjobs.offer_scores import chosen, liking
from sparkjobs.scorer import CountScorer, Scorer
from sparkjobs.sequences import EPOCH, sequences_of, vocabulary

WORDS = r"[^\W\d_]{2,}"
# What the training of the pipeline picks on this data; a published scorer may stand in its place.
COUNTING = {"half_life": 120.0, "popularity_weight": 3.0, "neighbour_weight": 1.0}
CONTENT_WEIGHT = 0.1  # picked like PRIOR_VISITS


@dataclass(frozen=True)
class Evidence:
    """A round with what its rankers look at, all of it from before its day; each part is made when first asked for."""

    round: Round
    scorer: Scorer | None = None  # None: counts fitted on what the round knows

    @cached_property
    def visits(self) -> pd.DataFrame:
        """entity, visit, offer, category: visits of anyone before the day with an item that an offer lists."""
        listed = self.round.content[["offer", "item", "category"]]
        return self.round.known.lines[["entity", "visit", "item"]].merge(listed, on="item").drop(columns="item")

    @cached_property
    def listed(self) -> np.ndarray:
        """Visits with an item that the offer lists: float64 [entities, offers]."""
        return self._counted(self.visits.drop_duplicates(["visit", "offer"]), "offer", len(self.round.offers)).toarray()

    @cached_property
    def popularity(self) -> np.ndarray:
        """Visits of all entities with an item that the offer lists: float64 [offers]."""
        found = self.visits.drop_duplicates(["visit", "offer"])["offer"]
        return np.bincount(found, minlength=len(self.round.offers)).astype(float)

    @cached_property
    def parts(self) -> pd.DataFrame:
        """offer, category, share of its items with a category, usual: as `offer_scores.contents` says."""
        counted = self.round.content.dropna(subset="category").groupby(["offer", "category"]).size().rename("items")
        parts = counted.reset_index()
        parts["share"] = parts["items"] / parts.groupby("offer")["items"].transform("sum")
        bags = self.round.known.histories["categories"].explode().explode().value_counts()
        all_visits = parts["category"].map(bags).fillna(0.0)
        all_listed = np.bincount(self._of_parts["part"], minlength=len(parts))
        return parts.assign(usual=usual_share(all_listed, all_visits.to_numpy(dtype=float)))

    @cached_property
    def _of_parts(self) -> pd.DataFrame:
        """entity, part, visit: visits with an item of the offer's category that the offer lists."""
        keys = self.round.content.dropna(subset="category")[["offer", "category"]].drop_duplicates()
        keys = keys.sort_values(["offer", "category"], ignore_index=True).reset_index(names="part")
        return self.visits.merge(keys, on=["offer", "category"]).drop_duplicates(["visit", "part"])

    @cached_property
    def listed_parts(self) -> np.ndarray:
        """Visits with an item of the category that the offer lists: float64 [entities, parts]."""
        return self._counted(self._of_parts, "part", len(self.parts)).toarray()

    @cached_property
    def likings(self) -> np.ndarray:
        """Liking of the category of each part: float64 [entities, parts]."""
        scorer = self.scorer or counting(self.round)
        as_of = EPOCH + timedelta(days=self.round.day)
        values = liking(scorer.score(histories_of(self.round), as_of))
        return chosen(values, scorer.categories, self.parts["category"].tolist())

    @cached_property
    def similarity(self) -> np.ndarray:
        """Cosine of the words of what an entity bought and of what an offer lists: float64 [entities, offers]."""
        content, text = self.round.content, self.round.known.items["text"].to_numpy()
        lines = self.round.known.lines
        # Words of what was bought or is listed only: an item table is often of the whole year.
        seen = np.union1d(lines["item"].unique(), content["item"])
        number, texts = pd.factorize(text[seen])
        words = TfidfVectorizer(token_pattern=WORDS, sublinear_tf=True).fit_transform(texts)
        of_item = np.full(len(text), -1)
        of_item[seen] = number
        listed = content.assign(text=of_item[content["item"]])[lambda rows: rows["text"] >= 0]
        of_offers = _sums(listed["offer"], listed["text"], (len(self.round.offers), len(texts)))
        mine = lines[lines["entity"].isin(self.round.entities)]
        mine = mine.assign(text=of_item[mine["item"]])[lambda rows: rows["text"] >= 0]
        of_entities = self._counted(mine.drop_duplicates(["visit", "text"]), "text", len(texts))
        return (normalize(of_entities.log1p() @ words) @ normalize(of_offers @ words).T).toarray()

    def _counted(self, rows: pd.DataFrame, column: str, width: int) -> sparse.csr_array:
        """Rows of each entity by `column`: [entities, width]."""
        mine = rows[rows["entity"].isin(self.round.entities)]
        places = np.searchsorted(self.round.entities, mine["entity"])
        return _sums(places, mine[column], (len(self.round.entities), width))


def _sums(rows, columns, shape: tuple[int, int]) -> sparse.csr_array:
    """How often each (row, column) occurs, float64."""
    return sparse.coo_array((np.ones(len(rows)), (np.asarray(rows), np.asarray(columns))), shape=shape).tocsr()


def histories_of(round_: Round) -> pd.DataFrame:
    """The histories of the round's entities; one without any visit has empty ones."""
    kept = round_.known.histories.set_index("entity").reindex(round_.known.entities[round_.entities])
    for name in kept.columns:
        kept[name] = [value if isinstance(value, list | np.ndarray) else [] for value in kept[name]]
    return kept.rename_axis("entity").reset_index()


def counting(round_: Round) -> CountScorer:
    """The count scorer of COUNTING, fitted on all that the round knows."""
    known = round_.known.histories
    categories = vocabulary(known, EPOCH + timedelta(days=round_.day))
    start = Baseline("decayed+neighbours", np.zeros(len(categories), dtype=np.float32), **COUNTING)
    return CountScorer(start.fitted(sequences_of(known, categories), []), categories)


Ranker = Callable[[Evidence], np.ndarray]  # scores, float [entities, offers]; the highest comes first


def by_offer_score(e: Evidence, prior_visits: float = PRIOR_VISITS) -> np.ndarray:
    """The score of the pipeline's offers; an offer without a known category gets 0."""
    share, usual = e.parts["share"].to_numpy(), e.parts["usual"].to_numpy()
    values = worth(share, e.likings, e.listed_parts, usual, prior_visits)
    return values @ _sums(np.arange(len(e.parts)), e.parts["offer"], (len(e.parts), len(e.round.offers))).toarray()


def by_liking(e: Evidence) -> np.ndarray:
    """What the scorer says of the categories alone, as if nobody had bought what is listed."""
    values = e.parts["share"].to_numpy() * e.likings
    return values @ _sums(np.arange(len(e.parts)), e.parts["offer"], (len(e.parts), len(e.round.offers))).toarray()


def by_redemptions(e: Evidence) -> np.ndarray:
    """Redemptions of the coupon before the day by entities that had it; a new coupon has none. Then by popularity."""
    known = e.round.known
    had = known.coupons[["campaign", "coupon"]].drop_duplicates().merge(known.targets, on="campaign")
    exposed = had.groupby("coupon")["entity"].nunique()
    redeemed = known.redemptions.groupby("coupon")["entity"].nunique()
    rates = (redeemed / exposed).reindex(e.round.offers["coupon"]).fillna(0.0).to_numpy()
    return then(rates, e.popularity)[None, :].repeat(len(e.round.entities), axis=0)


def by_offer_score_and_content(e: Evidence, weight: float = CONTENT_WEIGHT) -> np.ndarray:
    """log(1 + offer score) + weight x similarity of words."""
    return np.log1p(by_offer_score(e)) + weight * e.similarity


def at_random(e: Evidence, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, e.round.day]).random(e.round.entitled.shape)


def then(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """One score that orders by `first` and equals of it by `second` [offers]."""
    return rankdata(first, method="dense", axis=-1) + rankdata(second) / (len(second) + 1)


RANKERS: dict[str, Ranker] = {
    "random": at_random,
    "popularity of what is listed": lambda e: np.tile(e.popularity, (len(e.round.entities), 1)),
    "redemptions of the coupon": by_redemptions,
    "words of what was bought": lambda e: e.similarity,
    "liking of the categories": by_liking,
    "own purchases of what is listed": lambda e: then(e.listed, e.popularity),
    "offer score": by_offer_score,
    "offer score + words": by_offer_score_and_content,
}

# What may be tuned on earlier campaigns: ranker -> label -> the same with other parameters.
TUNABLE: dict[str, dict[str, Ranker]] = {
    "offer score": {
        f"{prior:g} prior visits": partial(by_offer_score, prior_visits=prior) for prior in (1.0, 3.0, 10.0, 30.0)
    },
    "offer score + words": {
        f"words x {weight:g}": partial(by_offer_score_and_content, weight=weight) for weight in (0.1, 0.3, 1.0, 3.0)
    },
}

# Labels of what the code holds of that.
CHOSEN = {"offer score": f"{PRIOR_VISITS:g} prior visits", "offer score + words": f"words x {CONTENT_WEIGHT:g}"}
