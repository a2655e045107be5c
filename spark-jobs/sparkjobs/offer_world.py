"""A made-up business whose tastes are known: what entities would like, buy and redeem, to try policies of offers on."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sparkjobs.offer_records import Records, Round

CATEGORIES, ITEMS_EACH = 12, 8
START, STEP = 100, 14  # day of the first round, days between two
OFFERS, CARRIED, LISTED = 20, 4, 3  # new coupons of a round, coupons that go on from the last one, items on a coupon
EAGERNESS = 8.0  # a coupon on all an entity wants would be redeemed with 1 - exp(-8)
KNOWN_CATEGORIES = 0.5  # share of the categories that an entity buys before anything is offered to it


@dataclass
class World:
    """Entities with true tastes, and what has happened so far.

    An entity buys by its tastes, yet only in categories it knows; a redemption makes it know one more. So what it would
    like and what it has bought differ, as they do for offers of what somebody never bought.
    """

    seed: int
    size: int  # entities
    wants: np.ndarray = field(init=False)  # float64 [entities, items], sums to 1: the truth
    knows: np.ndarray = field(init=False)  # bool [entities, categories]
    coupons: list[tuple[str, str, int]] = field(default_factory=list)  # campaign, coupon, item
    visits: list[tuple[int, int, list[int]]] = field(default_factory=list)  # entity, day, items
    redemptions: list[tuple[int, str, str, int]] = field(default_factory=list)  # entity, campaign, coupon, day
    rounds: int = 0

    def __post_init__(self) -> None:
        draws = np.random.default_rng([self.seed, 0])
        tastes = draws.dirichlet(np.full(CATEGORIES, 0.4), self.size)
        within = draws.dirichlet(np.full(ITEMS_EACH, 0.5), (self.size, CATEGORIES))
        self.wants = (tastes[:, :, None] * within).reshape(self.size, -1)
        self.knows = draws.random((self.size, CATEGORIES)) < KNOWN_CATEGORIES
        self.knows[np.arange(self.size), draws.integers(0, CATEGORIES, self.size)] = True
        self._visit(draws, START - STEP, 2)

    def open_campaign(self) -> tuple[str, int]:
        """A campaign of coupons that are new but for CARRIED ones of the last; its name and its first day."""
        draws = np.random.default_rng([self.seed, 1, self.rounds])
        campaign, day = f"c{self.rounds}", START + STEP * self.rounds
        last = list(dict.fromkeys(coupon for of, coupon, _ in self.coupons if of == f"c{self.rounds - 1}"))
        for coupon in last[-CARRIED:]:
            items = dict.fromkeys(item for _, name, item in self.coupons if name == coupon)
            self.coupons += [(campaign, coupon, item) for item in items]
        for number in range(OFFERS):
            first = int(draws.integers(0, CATEGORIES)) * ITEMS_EACH
            listed = first + draws.choice(ITEMS_EACH, LISTED, replace=False)
            self.coupons += [(campaign, f"k{self.rounds}-{number}", int(item)) for item in listed]
        self.rounds += 1
        return campaign, day

    def chances(self, round_: Round) -> np.ndarray:
        """The true chance that an entity redeems an offer it is shown: float64 [entities, offers]."""
        listed = np.zeros((len(round_.offers), self.wants.shape[1]))
        listed[round_.content["offer"], round_.content["item"]] = 1.0
        return 1.0 - np.exp(-EAGERNESS * self.wants @ listed.T)

    def live(self, round_: Round, shown: np.ndarray) -> None:
        """The days until the next round: who redeems what of `shown` (bool [entities, offers]), then usual visits."""
        draws = np.random.default_rng([self.seed, 2, self.rounds])
        redeemed = shown & (draws.random(shown.shape) < self.chances(round_))
        for entity, offer in np.argwhere(redeemed):
            items = round_.content.loc[round_.content["offer"] == offer, "item"].to_numpy()
            weights = self.wants[entity, items] + 1e-12
            item = int(draws.choice(items, p=weights / weights.sum()))
            self.knows[entity, item // ITEMS_EACH] = True
            of = round_.offers.loc[offer]
            self.redemptions.append((int(entity), of["campaign"], of["coupon"], round_.day))
            self.visits.append((int(entity), round_.day, [item]))
        self._visit(np.random.default_rng([self.seed, 3, self.rounds]), round_.day + 1, 2)

    def _visit(self, draws: np.random.Generator, day: int, mean: int) -> None:
        """Visits of everyone within STEP days from `day`, of three items each."""
        habits = self.wants * np.repeat(self.knows, ITEMS_EACH, axis=1) + 1e-9
        for entity in range(self.size):
            for _ in range(1 + int(draws.poisson(mean))):
                items = draws.choice(habits.shape[1], 3, p=habits[entity] / habits[entity].sum())
                self.visits.append((entity, day + int(draws.integers(0, STEP - 1)), sorted(set(items.tolist()))))

    def records(self) -> Records:
        """All that happened, as the tables that offers are ranked from; everyone is targeted by every campaign."""
        names = np.array([f"{entity:03d}" for entity in range(self.size)], dtype=object)
        categories = [f"CATEGORY {chr(65 + item // ITEMS_EACH)}" for item in range(self.wants.shape[1])]
        items = pd.DataFrame({"category": categories, "text": categories}, dtype=object)
        campaigns = [(f"c{n}", "B", START + STEP * n, START + STEP * (n + 1) - 1) for n in range(self.rounds)]
        targets = [(campaign, entity) for campaign, *_ in campaigns for entity in range(self.size)]
        rows = [(entity, visit, item, day) for visit, (entity, day, of) in enumerate(self.visits) for item in of]
        return Records(
            entities=names,
            items=items,
            lines=pd.DataFrame(rows, columns=["entity", "visit", "item", "day"]),
            histories=_histories(self.visits, names, categories),
            campaigns=pd.DataFrame(campaigns, columns=["campaign", "type", "start", "end"]),
            coupons=pd.DataFrame(self.coupons, columns=["campaign", "coupon", "item"]),
            targets=pd.DataFrame(targets, columns=["campaign", "entity"]),
            redemptions=pd.DataFrame(self.redemptions, columns=["entity", "campaign", "coupon", "day"]),
        )


def _histories(visits: list[tuple[int, int, list[int]]], names: np.ndarray, categories: list[str]) -> pd.DataFrame:
    """As visits.histories makes them; of one day the earlier visit comes first."""
    of: dict[int, list[tuple[int, list[int]]]] = {}
    for entity, day, items in visits:
        of.setdefault(entity, []).append((day, items))
    rows = []
    for entity in sorted(of):
        mine = sorted(of[entity], key=lambda visit: visit[0])
        days = np.array([day for day, _ in mine], dtype=np.int32)
        bags = [sorted({categories[item] for item in items}) for _, items in mine]
        rows.append((names[entity], days, [None] * len(mine), [None] * len(mine), bags))
    return pd.DataFrame(rows, columns=["entity", "days", "hours", "places", "categories"])
