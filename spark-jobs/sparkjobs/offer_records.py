"""What is known of purchases, campaigns and redemptions, and what of it a day may know."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sparkjobs.failure import InputError


@dataclass(frozen=True)
class Records:
    """Tables of one business; entities and items are positions in `entities` and `items`, days are local days since
    1970-01-01.
    """

    entities: np.ndarray  # str [entities], sorted
    items: pd.DataFrame  # category, text (None when unknown): one row per item
    lines: pd.DataFrame  # entity, visit (a number), item, day: one row per item of a visit
    histories: pd.DataFrame  # as visits.histories makes them, so with names of entities
    campaigns: pd.DataFrame  # campaign, type, start, end (both days included)
    coupons: pd.DataFrame  # campaign, coupon, item
    targets: pd.DataFrame  # campaign, entity
    redemptions: pd.DataFrame  # entity, campaign, coupon, day

    def before(self, day: int) -> "Records":
        """What the morning of `day` knows: earlier visits and redemptions, and campaigns that had begun by then."""
        campaigns = self.campaigns[self.campaigns["start"] < day]
        begun = set(campaigns["campaign"])
        return replace(
            self,
            lines=self.lines[self.lines["day"] < day],
            histories=_until(self.histories, day),
            campaigns=campaigns,
            coupons=self.coupons[self.coupons["campaign"].isin(begun)],
            targets=self.targets[self.targets["campaign"].isin(begun)],
            redemptions=self.redemptions[self.redemptions["day"] < day],
        )


def records_of(tables: dict[str, pd.DataFrame]) -> Records:
    """From tables with ids as text: lines (entity, visit, item, day), items (item, category, text) and the rest of
    `Records` by name. What is listed twice counts once; an item that `items` lacks has neither category nor text.
    Without a table `targets` every entity of the lines is in each campaign.
    """
    if "targets" not in tables:
        everyone = tables["lines"][["entity"]].drop_duplicates()
        tables = {**tables, "targets": tables["campaigns"][["campaign"]].merge(everyone, how="cross")}
    entities = pd.Index(np.unique(np.concatenate([tables[name]["entity"] for name in ("lines", "targets")])))
    known = tables["items"].drop_duplicates("item")
    seen = pd.concat([known["item"], tables["lines"]["item"], tables["coupons"]["item"]]).drop_duplicates()
    item = pd.Index(seen)
    items = known.set_index("item").reindex(item)[["category", "text"]].reset_index(drop=True)
    lines = tables["lines"]
    owner = entities.get_indexer(lines["entity"])
    visit = pd.MultiIndex.from_arrays([owner, pd.factorize(lines["visit"])[0]])
    coded = {"entity": owner, "visit": pd.factorize(visit)[0], "item": item.get_indexer(lines["item"])}
    targets = tables["targets"].drop_duplicates()
    coupons = tables["coupons"].drop_duplicates()
    redeemed = tables["redemptions"][tables["redemptions"]["entity"].isin(entities)]
    return Records(
        entities=entities.to_numpy(dtype=object),
        items=items.where(items.notna(), None),
        lines=pd.DataFrame({**coded, "day": lines["day"].to_numpy()}).drop_duplicates(ignore_index=True),
        histories=tables["histories"],
        campaigns=tables["campaigns"],
        coupons=coupons.assign(item=item.get_indexer(coupons["item"])),
        targets=targets.assign(entity=entities.get_indexer(targets["entity"])),
        redemptions=redeemed.assign(entity=entities.get_indexer(redeemed["entity"])),
    )


def _until(histories: pd.DataFrame, day: int) -> pd.DataFrame:
    """The same histories without visits on `day` or later; an entity without any other has no row."""
    lengths = [int(np.searchsorted(days, day)) for days in histories["days"]]
    columns = {"entity": histories["entity"].to_numpy()}
    for name in ("days", "hours", "places", "categories"):
        columns[name] = [values[:length] for values, length in zip(histories[name], lengths, strict=True)]
    return pd.DataFrame(columns)[np.array(lengths, dtype=int) > 0].reset_index(drop=True)


@dataclass(frozen=True)
class Round:
    """Offers of some campaigns to be ranked for each entity on the morning of `day`, and what came of them."""

    day: int
    known: Records  # before `day`
    entities: np.ndarray  # int [entities], ascending positions in those of `known`
    offers: pd.DataFrame  # campaign, coupon, type, new: no campaign that had begun by `day` has the coupon
    content: pd.DataFrame  # offer (position in `offers`), item, category, text
    entitled: np.ndarray  # bool [entities, offers]
    redeemed: np.ndarray  # bool [entities, offers]


def round_at(records: Records, campaigns: list[str], day: int, until: int) -> Round:
    """The offers of `campaigns` as the morning of `day` would rank them; what was redeemed before `until`.

    Entities are those the campaigns target. Raises InputError when the campaigns have no coupon or target nobody, and
    when one began before `day`: part of what came of it would be known already.
    """
    asked = records.campaigns[records.campaigns["campaign"].isin(campaigns)]
    begun = sorted(asked.loc[asked["start"] < day, "campaign"])
    if begun:
        raise InputError(
            f"Cannot rank campaigns {', '.join(begun)}: they begin before the day of the ranking",
            "Rank campaigns that begin on that day or later",
        )
    known = records.before(day)
    targets = records.targets[records.targets["campaign"].isin(campaigns)]
    coupons = records.coupons[records.coupons["campaign"].isin(campaigns)]
    offers = coupons[["campaign", "coupon"]].drop_duplicates().merge(asked[["campaign", "type"]], on="campaign")
    offers = offers.sort_values(["campaign", "coupon"], ignore_index=True)
    if offers.empty or targets.empty:
        raise InputError(
            f"Cannot rank offers: the campaigns {', '.join(sorted(campaigns))} have "
            + ("no coupon" if offers.empty else "no target"),
            "Check the coupons and the targets of these campaigns",
        )
    offers["new"] = ~offers["coupon"].isin(known.coupons["coupon"])
    position = offers.reset_index(names="offer")[["offer", "campaign", "coupon"]]
    content = coupons.merge(position, on=["campaign", "coupon"])[["offer", "item"]].reset_index(drop=True)
    content = content.join(records.items, on="item")
    entities = np.sort(targets["entity"].unique())
    entitled = _pairs(targets.merge(position, on="campaign"), entities, len(offers))
    outcomes = records.redemptions[records.redemptions["day"].between(day, until - 1)]
    redeemed = _pairs(outcomes.merge(position, on=["campaign", "coupon"]), entities, len(offers)) & entitled
    return Round(day, known, entities, offers, content, entitled, redeemed)


def _pairs(rows: pd.DataFrame, entities: np.ndarray, offers: int) -> np.ndarray:
    """bool [entities, offers]: which pairs of entity and offer (position) have a row."""
    found = np.zeros((len(entities), offers), dtype=bool)
    mine = rows[rows["entity"].isin(entities)]
    found[np.searchsorted(entities, mine["entity"]), mine["offer"]] = True
    return found
