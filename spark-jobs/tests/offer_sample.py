"""A small business with campaigns, the same in every process that asks for it."""

import numpy as np
import pandas as pd

from sparkjobs.offer_records import Records, records_of

DAY, UNTIL = 100, 140
CATEGORIES = ["BREAD", "MILK", "TEA", "JAM", "SOUP"]
ITEMS = 25
# before: over when the others begin; first and second begin on DAY or later, and both have coupon k0.
CAMPAIGNS = [("before", "A", 60, 90), ("first", "A", DAY, 130), ("second", "B", 110, 135)]
COUPONS = {"before": ["k0", "k1"], "first": ["k0", "k2", "k3", "k4"], "second": ["k0", "k5", "k6"]}


def tables(seed: int = 1) -> dict[str, pd.DataFrame]:
    """The tables that `records_of` takes: 20 entities with 160 days of visits, five items of each category."""
    draws = np.random.default_rng(seed)
    lines = []
    for entity in range(20):
        for visit in range(16):
            day = 10 * visit + int(draws.integers(10))
            wanted = draws.choice(ITEMS, size=3, p=draws.dirichlet(np.full(ITEMS, 0.5)), replace=False)
            lines += [(f"e{entity:02d}", f"v{visit}", f"i{item}", day) for item in wanted]
    listed = [
        (campaign, coupon, f"i{(7 * int(coupon[1:]) + step) % ITEMS}")
        for campaign, coupons in COUPONS.items()
        for coupon in coupons
        for step in range(3)
    ]
    targets = [(campaign, f"e{entity:02d}") for campaign, *_ in CAMPAIGNS for entity in range(15)]
    redeemed = [
        (f"e{entity:02d}", campaign, coupons[entity % len(coupons)], start + entity % 10)
        for (campaign, _, start, _), coupons in zip(CAMPAIGNS, COUPONS.values(), strict=True)
        for entity in range(12)
    ]
    items = [(f"i{i}", CATEGORIES[i // 5], f"{CATEGORIES[i // 5]} sort{i % 5} kind{i % 3}") for i in range(ITEMS)]
    made = {
        "lines": pd.DataFrame(lines, columns=["entity", "visit", "item", "day"]),
        "items": pd.DataFrame(items, columns=["item", "category", "text"]),
        "campaigns": pd.DataFrame(CAMPAIGNS, columns=["campaign", "type", "start", "end"]),
        "coupons": pd.DataFrame(listed, columns=["campaign", "coupon", "item"]),
        "targets": pd.DataFrame(targets, columns=["campaign", "entity"]),
        "redemptions": pd.DataFrame(redeemed, columns=["entity", "campaign", "coupon", "day"]),
    }
    return with_histories(made)


def with_histories(made: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The same with `histories` of the lines, as visits.histories makes them."""
    lines = made["lines"].merge(made["items"], on="item", how="left").dropna(subset="category")
    visits = lines.groupby(["entity", "visit"]).agg(day=("day", "min"), bag=("category", lambda of: sorted(set(of))))
    rows = []
    for entity, of in visits.reset_index().sort_values(["day", "visit"]).groupby("entity"):
        days = of["day"].to_numpy(dtype=np.int32)
        rows.append((entity, days, [9] * len(of), ["shop"] * len(of), of["bag"].tolist()))
    return {**made, "histories": pd.DataFrame(rows, columns=["entity", "days", "hours", "places", "categories"])}


def records(**changed: pd.DataFrame) -> Records:
    """The sample with some tables replaced."""
    return records_of(with_histories({**tables(), **changed}))
