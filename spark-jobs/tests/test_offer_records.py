"""What a day knows of purchases, campaigns and redemptions, and that nothing later has a part in any ranking."""

import numpy as np
import pandas as pd
import pytest
from offer_sample import COUPONS, DAY, UNTIL, records, tables

from sparkjobs.failure import InputError
from sparkjobs.offer_evaluation import earlier_rounds
from sparkjobs.offer_rankers import RANKERS, Evidence
from sparkjobs.offer_records import round_at


def ranked(changed: dict[str, pd.DataFrame]) -> dict[str, np.ndarray]:
    """The scores of every ranker as of DAY."""
    evidence = Evidence(round_at(records(**changed), ["first", "second"], DAY, UNTIL))
    return {name: rank(evidence) for name, rank in RANKERS.items()}


def later(name: str) -> dict[str, pd.DataFrame]:
    """The sample with table `name` changed in nothing that the morning of DAY may know."""
    made = tables()
    table, columns = made[name], list(made[name].columns)
    if name in ("lines", "redemptions"):
        # From the day itself on, everybody buys the same and redeems the same.
        after = table["day"] >= DAY
        column, value = {"lines": ("item", "i3"), "redemptions": ("coupon", "k0")}[name]
        return {name: table.assign(**{column: table[column].mask(after, value)})[columns]}
    if name == "targets":
        # Another campaign that begins on DAY targets some of them too, and has coupon k0 as well.
        campaigns = pd.concat(
            [made["campaigns"], pd.DataFrame([("third", "B", DAY, UNTIL)], columns=made["campaigns"].columns)]
        )
        coupons = pd.concat([made["coupons"], pd.DataFrame([("third", "k0", "i0")], columns=made["coupons"].columns)])
        more = pd.DataFrame([("third", f"e{entity:02d}") for entity in range(20)], columns=columns)
        return {"targets": pd.concat([table, more]), "campaigns": campaigns, "coupons": coupons}
    assert name == "items"
    # Items that are neither listed nor sold yet, in a category of their own.
    more = pd.DataFrame([(f"new{i}", "GRILL", "GRILL sort1 charcoal") for i in range(9)], columns=columns)
    sold = pd.DataFrame([("e01", "v99", f"new{i}", DAY + i) for i in range(9)], columns=made["lines"].columns)
    return {"items": pd.concat([table, more]), "lines": pd.concat([made["lines"], sold])}


@pytest.mark.parametrize("name", ["lines", "redemptions", "targets", "items"])
def test_no_ranking_depends_on_the_day_itself_or_later(name):
    plain, changed = ranked({}), ranked(later(name))
    assert list(plain) == list(RANKERS)
    for ranker, scores in plain.items():
        np.testing.assert_array_equal(scores, changed[ranker], err_msg=f"{ranker} sees later {name}")


def test_a_redemption_of_the_day_itself_is_unknown():
    known = records().before(DAY)
    assert known.redemptions["day"].max() < DAY
    assert records().before(61).redemptions["day"].tolist() == [60, 60]


def test_targeting_counts_only_once_the_campaign_has_begun():
    assert set(records().before(60).targets["campaign"]) == set()
    assert set(records().before(61).targets["campaign"]) == {"before"}
    assert set(records().before(DAY).targets["campaign"]) == {"before"}


def test_a_coupon_of_a_campaign_that_began_earlier_is_not_new():
    round_ = round_at(records(), ["first", "second"], DAY, UNTIL)
    new = dict(zip(round_.offers["campaign"] + " " + round_.offers["coupon"], round_.offers["new"], strict=True))
    assert sorted(name for name, is_new in new.items() if not is_new) == ["first k0", "second k0"]
    # Two campaigns to come have it too, which makes nothing known.
    made = tables()
    twice = pd.concat([made["coupons"], pd.DataFrame([("second", "k2", "i1")], columns=made["coupons"].columns)])
    round_ = round_at(records(coupons=twice), ["first", "second"], DAY, UNTIL)
    assert round_.offers.loc[round_.offers["coupon"] == "k2", "new"].tolist() == [True, True]


def test_overlapping_campaigns_keep_their_own_redemptions():
    round_ = round_at(records(), ["first", "second"], DAY, UNTIL)
    assert len(round_.offers) == len(COUPONS["first"]) + len(COUPONS["second"])
    found = {
        (round_.known.entities[round_.entities[entity]], *round_.offers.loc[offer, ["campaign", "coupon"]])
        for entity, offer in np.argwhere(round_.redeemed)
    }
    made = tables()["redemptions"]
    wanted = made[made["campaign"] != "before"]
    assert found == set(wanted[["entity", "campaign", "coupon"]].itertuples(index=False, name=None))


def test_who_is_not_targeted_has_no_offer_and_no_redemption():
    made = tables()
    more = pd.DataFrame([("e19", "first", "k2", DAY)], columns=made["redemptions"].columns)
    round_ = round_at(records(redemptions=pd.concat([made["redemptions"], more])), ["first", "second"], DAY, UNTIL)
    assert "e19" not in round_.known.entities[round_.entities]
    assert round_.redeemed.sum() == 24


def test_what_tunes_ends_before_the_day():
    (round_,) = earlier_rounds(records(), 0, DAY)
    assert (round_.day, set(round_.offers["campaign"])) == (60, {"before"})
    (cut,) = earlier_rounds(records(), 0, 65)
    assert cut.redeemed.sum() < round_.redeemed.sum()


@pytest.mark.parametrize(
    ("campaigns", "changed", "message"),
    [
        (["before", "first"], {}, r"campaigns before: they begin before the day"),
        (["first"], {"coupons": tables()["coupons"].head(0)}, "have no coupon"),
        (["first"], {"targets": tables()["targets"].head(3)}, "have no target"),
    ],
)
def test_campaigns_that_cannot_be_ranked_are_refused(campaigns, changed, message):
    with pytest.raises(InputError, match=message):
        round_at(records(**changed), campaigns, DAY, UNTIL)
