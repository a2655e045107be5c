"""Rankers and recall of offers on a small business, and the product's score against the job's on Spark."""

import numpy as np
import pandas as pd
import pytest
from offer_sample import DAY, UNTIL, records, tables
from pyspark.sql import functions as F

from sparkjobs.offer_evaluation import ALL, EXPOSED, PRODUCT, RIVAL, OfferTrial, evaluated, rankings, recall
from sparkjobs.offer_rankers import CHOSEN, RANKERS, TUNABLE, Evidence, by_offer_score, then
from sparkjobs.offer_records import Round, round_at
from sparkjobs.offer_scores import contents, listed_purchases, purchases, score_offers


def a_round(**changed: pd.DataFrame) -> Round:
    return round_at(records(**changed), ["first", "second"], DAY, UNTIL)


def test_the_score_is_the_one_of_the_offers_job(spark):
    made, round_ = tables(), a_round()
    evidence = Evidence(round_)
    names = round_.known.entities[round_.entities]
    keys = list(zip(round_.offers["campaign"], round_.offers["coupon"], strict=True))
    history = made["lines"][made["lines"]["day"] < DAY].merge(made["items"], on="item")
    history = spark.createDataFrame(history).withColumn("date", F.date_from_unix_date(F.col("day").cast("int")))
    listed = made["coupons"][made["coupons"]["campaign"] != "before"].merge(made["items"], on="item")
    items = spark.createDataFrame(listed[["campaign", "coupon", "item", "category"]])
    pairs = spark.createDataFrame(
        [(entity, *key) for entity in names for key in keys], "entity string, campaign string, coupon string"
    )
    likings = spark.createDataFrame(
        [
            (entity, category, float(evidence.likings[row, column]))
            for row, entity in enumerate(names)
            for column, category in evidence.parts["category"].drop_duplicates().items()
        ],
        "entity string, category string, liking double",
    )
    content = contents(items, pairs.select("campaign", "coupon").distinct())
    bought, of_listed = purchases(history, content), listed_purchases(history, items, content)
    rows = score_offers(pairs, content, likings, bought, of_listed).collect()
    scores = {(row.entity, row.campaign, row.coupon): row.score for row in rows}
    expected = np.array([[scores[(entity, *key)] for key in keys] for entity in names])
    np.testing.assert_allclose(by_offer_score(evidence), expected, atol=1e-9)


def test_recall_counts_redeemed_offers_among_the_first_of_their_campaign():
    round_ = a_round()
    found = rankings(round_)
    assert len(found) == 24
    perfect = round_.redeemed.astype(float)
    assert recall(round_, perfect, found, 1, "all").tolist() == [1.0] * 24
    assert recall(round_, -perfect, found, 1, "all").tolist() == [0.0] * 24
    # An offer of the other campaign, however high its score, takes no place.
    elsewhere = np.where(round_.offers["campaign"].to_numpy() == "second", 9.0, perfect)
    of_first = (found["campaign"] == "first").to_numpy()
    assert recall(round_, elsewhere, found, 1, "all")[of_first].tolist() == [1.0] * of_first.sum()


def test_a_slice_counts_its_redemptions_among_all_offers():
    round_ = a_round()
    found = rankings(round_)
    known_first = np.where(round_.offers["new"], 0.0, 1.0)[None, :] + round_.redeemed * 0.5
    new, known = (recall(round_, known_first, found, 1, slice_) for slice_ in ("new", "known"))
    of_new = (round_.redeemed & round_.offers["new"].to_numpy()).any(axis=1).sum()
    assert np.nansum(known) == (~np.isnan(known)).sum()
    assert np.nansum(new) == 0
    assert of_new > 0


def test_every_ranker_ranks_every_offer_and_the_trial_tells_each_with_its_interval():
    trial = evaluated(a_round(), ["B"], [2, 1])
    rows = trial.rows(seed=0)
    assert set(rows["ranker"]) == set(RANKERS)
    whole = rows[(rows["campaigns"] == ALL) & (rows["offers"] == "all")]
    assert whole["value"].notna().all()
    assert (whole["lower"] <= whole["value"]).all()
    assert set(whole["rankings"]) == {24}
    exposed = rows[(rows["campaigns"] == EXPOSED) & (rows["offers"] == "all") & (rows["metric"] == "recall@2")]
    assert set(exposed["rankings"]) == {12}
    gains = rows[rows["metric"] == f"recall@2 gain over {RIVAL}"]
    own = rows[(rows["metric"] == "recall@2") & (rows["campaigns"] == ALL) & (rows["offers"] == "all")].set_index(
        "ranker"
    )
    gain = gains[(gains["campaigns"] == ALL) & (gains["offers"] == "all")]["value"].item()
    assert gain == pytest.approx(own.loc[PRODUCT, "value"] - own.loc[RIVAL, "value"])


def test_rankers_are_compared_on_the_same_rounds():
    trial = OfferTrial(["B"], [1])
    trial.add(Evidence(a_round()), RANKERS)
    with pytest.raises(ValueError, match="ranked different rounds"):
        trial.add(Evidence(a_round()), {"random": RANKERS["random"]})


def test_an_offer_unknown_before_is_ranked_by_what_it_lists():
    round_ = a_round()
    evidence = Evidence(round_)
    scores = by_offer_score(evidence)
    new = round_.offers["new"].to_numpy()
    assert (scores[:, new] > 0).all()
    # Who bought what a new offer lists has it above who did not.
    for offer in np.flatnonzero(new):
        bought = evidence.listed[:, offer] > 0
        assert bought.all() or scores[bought, offer].mean() > scores[~bought, offer].mean()
    # By redemptions a new one always stands behind those that somebody redeemed before.
    by_redemptions = RANKERS["redemptions of the coupon"](evidence)
    assert by_redemptions[0, ~new].min() > by_redemptions[0, new].max()


def test_offers_without_items_known_to_anyone_and_of_unseen_categories_come_last():
    made = tables()
    odd = [("first", "nameless", "x1"), ("first", "unseen", "x2")]
    coupons = pd.concat([made["coupons"], pd.DataFrame(odd, columns=made["coupons"].columns)])
    items = pd.concat([made["items"], pd.DataFrame([("x2", "GRILL", "GRILL")], columns=made["items"].columns)])
    round_ = a_round(coupons=coupons, items=items)
    scores = by_offer_score(Evidence(round_))
    place = {coupon: index for index, coupon in round_.offers["coupon"].items()}
    assert (scores[:, place["nameless"]] == 0).all()
    assert (scores[:, place["unseen"]] > 0).all()
    for rank in RANKERS.values():
        assert np.isfinite(rank(Evidence(round_))).all()


def test_a_storewide_offer_is_ranked_like_any_other():
    made = tables()
    wide = pd.DataFrame([("first", "wide", f"i{i}") for i in range(25)], columns=made["coupons"].columns)
    round_ = a_round(coupons=pd.concat([made["coupons"], wide]))
    scores = by_offer_score(Evidence(round_))
    assert np.isfinite(scores).all()
    assert (round_.content["offer"].value_counts().max(), scores.shape[1]) == (25, 8)


def test_an_entity_without_history_gets_the_popular_offers():
    made = tables()
    targets = pd.concat([made["targets"], pd.DataFrame([("first", "new")], columns=made["targets"].columns)])
    round_ = a_round(targets=targets)
    (row,) = np.flatnonzero(round_.known.entities[round_.entities] == "new")
    for name, rank in RANKERS.items():
        assert np.isfinite(rank(Evidence(round_))[row]).all(), name


def test_equals_go_by_the_second_order():
    assert then(np.array([1.0, 1.0, 0.0]), np.array([5.0, 7.0, 9.0])).argsort().tolist() == [2, 0, 1]


def test_what_the_code_holds_is_among_what_can_be_tuned():
    assert all(CHOSEN[name] in variants for name, variants in TUNABLE.items())
    evidence = Evidence(a_round())
    for name, variants in TUNABLE.items():
        np.testing.assert_array_equal(variants[CHOSEN[name]](evidence), RANKERS[name](evidence))
