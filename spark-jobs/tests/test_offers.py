"""Eligibility, content, scores, groups and reasons of offers, each on a few literal rows."""

from datetime import date

import numpy as np
import pytest
from pyspark.sql import functions as F

from sparkjobs import offers as offering_terms
from sparkjobs.failure import InputError
from sparkjobs.offer_scores import HISTORY_SCHEMA, chosen, contents, histories_of, liking, score_offers
from sparkjobs.offers import (
    ENTITLEMENT_PREDICATES,
    OFFER_PREDICATES,
    Terms,
    campaigns_of,
    eligible_pairs,
    entitlements,
    memberships,
    offer_items,
    offer_table,
    require_types,
)
from sparkjobs.reasons import reason

DAY = date(2024, 6, 10)
TERMS = Terms(as_of=DAY, never_offer=["*BEER*"], max_items=3, sold_within_days=28, open_types=["open"])
CAMPAIGN = "campaign string, type string, start date, end date"
ITEM = "campaign string, coupon string, item string, category string"
COLUMNS = {"campaign": "id", "start": "from", "end": "to", "type": "kind"}


def passing(spark, name, rows, schema, predicates=OFFER_PREDICATES):
    frame = spark.createDataFrame(rows, schema)
    return [row[0] for row in frame.filter(predicates[name](TERMS)).collect()]


def test_a_campaign_is_active_on_its_first_and_on_its_last_day(spark):
    rows = [
        ("first", DAY, date(2024, 7, 1)),
        ("last", date(2024, 5, 1), DAY),
        ("over", date(2024, 5, 1), date(2024, 6, 9)),
        ("to come", date(2024, 6, 11), date(2024, 7, 1)),
        ("endless", date(2024, 5, 1), None),
    ]
    found = passing(spark, "active", rows, "campaign string, start date, end date", offering_terms.CAMPAIGN_PREDICATES)
    assert found == ["first", "last"]


def test_one_item_that_must_not_be_offered_excludes_the_coupon(spark):
    rows = [("a", ["MILK", "CRAFT beers"]), ("b", ["MILK"])]
    assert passing(spark, "offerable", rows, "coupon string, categories array<string>") == ["b"]


def test_a_coupon_on_more_items_than_allowed_is_storewide(spark):
    assert passing(spark, "not-storewide", [("a", 3), ("b", 4)], "coupon string, items int") == ["a"]


def test_an_offer_needs_an_item_sold_within_the_days_before(spark):
    rows = [("a", date(2024, 6, 9)), ("b", date(2024, 5, 13)), ("c", date(2024, 5, 12)), ("d", None)]
    # 28 days before 10 June begin on 13 May.
    assert passing(spark, "sold-lately", rows, "coupon string, last_sold date") == ["a", "b"]


def test_an_offer_without_any_known_category_cannot_be_scored(spark):
    assert passing(
        spark, "known-category", [("a", []), ("b", ["MILK"])], "coupon string, categories array<string>"
    ) == ["b"]


def entitled(spark, targets, types=()):
    entities = spark.createDataFrame(
        [(name, "s1", r"\b\B", list(types)) for name in ("ann", "bob")],
        "entity string, segment string, never string, campaign_types array<string>",
    )
    rows = [("t", "targeted", DAY, DAY), ("o", "open", DAY, DAY), ("u", None, DAY, DAY)]
    table = None if targets is None else spark.createDataFrame(targets, "campaign string, entity string")
    found = entitlements(memberships(entities, spark.createDataFrame(rows, CAMPAIGN), table), TERMS)
    return sorted((row.entity, row.campaign, row.basis) for row in found.collect())


def test_who_is_targeted_gets_only_these_campaigns_and_who_is_not_gets_the_open_pool(spark):
    assert entitled(spark, [("t", "ann")]) == [("ann", "t", "targeted"), ("bob", "o", "open")]


def test_targeting_by_a_campaign_that_is_not_active_does_not_count(spark):
    assert entitled(spark, [("over", "ann")]) == [("ann", "o", "open"), ("bob", "o", "open")]


def test_without_targets_everyone_is_in_each_campaign(spark):
    found = entitled(spark, None)
    assert found == [(name, campaign, "everyone") for name in ("ann", "bob") for campaign in ("o", "t", "u")]


def test_a_segment_may_be_kept_to_some_types_of_campaign(spark):
    assert entitled(spark, None, types=["targeted"]) == [("ann", "t", "everyone"), ("bob", "t", "everyone")]


def test_a_segment_may_exclude_further_categories(spark):
    pairs = spark.createDataFrame(
        [("ann", "s1", "(?i)cheese", "c1", "open"), ("bob", "s2", r"\b\B", "c1", "open")],
        "entity string, segment string, never string, campaign string, basis string",
    )
    offers = spark.createDataFrame(
        [("c1", "k1", DAY, DAY, ["CHEESE"]), ("c1", "k2", DAY, DAY, ["MILK"]), ("c2", "k3", DAY, DAY, ["MILK"])],
        "campaign string, coupon string, start date, end date, categories array<string>",
    )
    found = eligible_pairs(pairs, offers, TERMS).collect()
    assert sorted((row.entity, row.coupon) for row in found) == [("ann", "k2"), ("bob", "k1"), ("bob", "k2")]


def test_items_of_a_coupon_count_once_and_keep_an_unknown_category(spark):
    raw = spark.createDataFrame([(1, 7, 9), (1, 7, 9), (1, 7, 8), (None, 7, 9)], "c bigint, k bigint, i bigint")
    known = spark.createDataFrame([("9", "MILK")], "item string, category string")
    found = offer_items(raw, {"campaign": "c", "coupon": "k", "item": "i"}, known)
    assert sorted(tuple(row) for row in found.select("campaign", "coupon", "item", "category").collect()) == [
        ("1", "7", "8", None),
        ("1", "7", "9", "MILK"),
    ]


def test_an_offer_is_described_by_all_its_items_and_by_sales_before_the_day(spark):
    items = spark.createDataFrame([("c1", "k", "1", "MILK"), ("c1", "k", "2", None), ("c9", "k", "1", "MILK")], ITEM)
    campaigns = spark.createDataFrame([("c1", "open", DAY, DAY)], CAMPAIGN)
    history = spark.createDataFrame([("1", date(2024, 6, 1)), ("1", date(2024, 6, 3))], "item string, date date")
    (row,) = offer_table(items, campaigns, history).collect()
    assert (row.campaign, row["items"], row.categories, row.last_sold) == ("c1", 2, ["MILK"], date(2024, 6, 3))


def test_campaign_days_are_read_by_their_pattern(spark):
    raw = spark.createDataFrame(
        [("a", "x", "01.06.2024", "30.06.2024")], "id string, kind string, `from` string, `to` string"
    )
    (row,) = campaigns_of(raw, COLUMNS, "dd.MM.yyyy").collect()
    assert tuple(row) == ("a", "x", date(2024, 6, 1), date(2024, 6, 30))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a", "x", "31.02.2024", "30.06.2024")], r"column from: '31\.02\.2024' is not dd\.MM\.yyyy"),
        ([("a", "x", "01.06.2024", "30.06.2024")] * 2, "campaign a runs: it has more than one row"),
    ],
)
def test_a_wrong_day_and_a_campaign_with_two_rows_are_refused(spark, rows, message):
    raw = spark.createDataFrame(rows, "id string, kind string, `from` string, `to` string")
    with pytest.raises(Exception, match=message):
        campaigns_of(raw, COLUMNS, "dd.MM.yyyy").collect()


def test_types_of_campaigns_need_a_column():
    settings = {"openPool": {"campaignTypes": ["A"]}, "rules": {"segments": []}, "tables": {"campaigns": {}}}
    with pytest.raises(InputError, match=r"no column has them"):
        require_types(settings)
    require_types({**settings, "openPool": {"campaignTypes": []}})
    require_types({**settings, "tables": {"campaigns": {"type": "kind"}}})


def test_the_share_is_of_items_with_a_category_and_half_the_largest_share_is_main(spark):
    rows = [("c1", "k", str(i), category) for i, category in enumerate(["A"] * 4 + ["B"] * 2 + ["C"] + [None] * 3)]
    items = spark.createDataFrame(rows, ITEM)
    found = contents(items, spark.createDataFrame([("c1", "k")], "campaign string, coupon string")).orderBy("category")
    assert [(row.category, round(row.share, 4), row.main, row.listed_items) for row in found.collect()] == [
        ("A", 0.5714, True, 4),
        ("B", 0.2857, True, 2),
        ("C", 0.1429, False, 1),
    ]


def test_the_liking_follows_the_place_alone_and_equal_scores_share_one():
    logits, counts = np.array([[-9.0, -1.0, -9.0, 4.0]], dtype=np.float32), np.array([[0.0, 7.0, 0.0, 8.0]])
    expected = [[1 / np.sqrt(3), 1 / np.sqrt(2), 1 / np.sqrt(3), 1.0]]
    np.testing.assert_allclose(liking(logits), expected)
    np.testing.assert_allclose(liking(counts), expected)
    with pytest.raises(ValueError, match="not finite"):
        liking(np.array([[np.nan, 1.0]]))


def test_categories_that_the_scorer_does_not_know_stand_after_all_others():
    values = liking(np.array([[3.0, 2.0, 1.0]]))
    assert chosen(values, ["A", "B", "C"], ["C", "Z"]).tolist() == [[1 / np.sqrt(3), 1 / np.sqrt(4)]]


def test_an_entity_without_visits_has_an_empty_history(spark):
    entities = spark.createDataFrame([("ann",), ("new",)], "entity string")
    known = spark.createDataFrame([("ann", [1], [9], ["p"], [["A"]])], HISTORY_SCHEMA)
    found = {row.entity: row.categories for row in histories_of(entities, known).collect()}
    assert found == {"ann": [["A"]], "new": []}


def scored(spark, bought, listed):
    """Scores of ann for k1 (one item of MILK), k2 (another) and k3 (two of MILK, two of TEA)."""
    pairs = spark.createDataFrame(
        [("ann", "c", k) for k in ("k1", "k2", "k3")], "entity string, campaign string, coupon string"
    )
    content = spark.createDataFrame(
        [
            ("c", "k1", "MILK", 1.0, True, 1, 1),
            ("c", "k2", "MILK", 1.0, True, 1, 1),
            ("c", "k3", "MILK", 0.5, True, 4, 2),
            ("c", "k3", "TEA", 0.5, True, 4, 2),
        ],
        "campaign string, coupon string, category string, share double, main boolean, items long, listed_items long",
    )
    likings = spark.createDataFrame(
        [("ann", "MILK", 1.0), ("ann", "TEA", 0.5)], "entity string, category string, liking double"
    )
    found = score_offers(
        pairs,
        content,
        likings,
        spark.createDataFrame(bought, "entity string, category string, visits long, last date"),
        spark.createDataFrame(
            listed, "entity string, campaign string, coupon string, category string, listed_visits long"
        ),
    )
    return {row.coupon: row for row in found.collect()}


def test_the_score_is_of_own_visits_with_listed_items_then_of_liking(spark):
    bought = [("ann", "MILK", 3, date(2024, 6, 1)), ("bob", "MILK", 7, date(2024, 6, 1)), ("bob", "TEA", 4, DAY)]
    listed = [("ann", "c", "k1", "MILK", 2), ("bob", "c", "k1", "MILK", 3), ("bob", "c", "k3", "TEA", 1)]
    rows = scored(spark, bought, listed)
    # k1: 2 visits, and 10 of which 5.5 of 11 hold what is listed; k2: nobody buys what it lists; k3: half of each
    # category, TEA at liking 0.5.
    assert rows["k1"].score == pytest.approx(2 + 10 * 5.5 / 11)
    assert rows["k2"].score == pytest.approx(10 * 0.5 / 11)
    assert rows["k3"].score == pytest.approx(0.5 * 10 * 0.5 / 11 + 0.5 * 10 * 0.5 * 1.5 / 5)


def test_the_fact_behind_a_reason_is_the_main_category_bought_last(spark):
    bought = [("ann", "MILK", 3, date(2024, 5, 1)), ("ann", "TEA", 1, date(2024, 6, 1))]
    rows = scored(spark, bought, [])
    assert (rows["k3"].category, rows["k3"]["last"], rows["k3"].visits) == ("TEA", date(2024, 6, 1), 1)
    assert (rows["k1"].category, rows["k1"]["last"]) == ("MILK", date(2024, 5, 1))


FACTS = (
    "category string, visits long, last date, listed_visits long, listed_items long, items long, basis string, "
    "campaign string, end date, group string, slot string, rule string"
)


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (
            ("TEA", 12, date(2024, 6, 1), 3, 2, 4, "targeted", "7", DAY, "frequent", "frequent", "s1: 5 frequent"),
            "Bought TEA on 12 visits, last on 2024-06-01, 3 with an item of the coupon; "
            "2 of 4 items are of this category; targeted by campaign 7 until 2024-06-10; s1: 5 frequent",
        ),
        (
            ("TEA", 1, date(2023, 6, 1), None, 4, 4, "everyone", "7", DAY, "lapsed", "frequent", "s1: 5 frequent"),
            "Bought TEA on 1 visit, last on 2023-06-01; campaign 7 is for everyone until 2024-06-10; "
            "s1: 5 frequent (fallback: fills the place of a missing frequent offer)",
        ),
        (
            ("TEA", None, None, None, 4, 4, "open", "7", DAY, "fresh", "fresh", "default: 1 fresh"),
            "Has not bought TEA before 2024-06-10; in no campaign, campaign 7 is open to these until 2024-06-10; "
            "default: 1 fresh",
        ),
    ],
)
def test_the_reason_is_made_of_the_recorded_facts(spark, facts, sentence):
    assert spark.createDataFrame([facts], FACTS).select(reason(DAY)).first()[0] == sentence


def test_the_open_pool_without_types_is_every_campaign(spark):
    terms = Terms(as_of=DAY, never_offer=[], max_items=None, sold_within_days=0, open_types=[])
    frame = spark.createDataFrame(
        [(False, False, None), (False, True, "A")], "targeted boolean, targeted_at_all boolean, type string"
    )
    kept = frame.select(ENTITLEMENT_PREDICATES["targeted-or-open"](terms).alias("kept"))
    assert [row.kept for row in kept.collect()] == [True, False]
    assert (
        frame.select(F.lit(None).cast("date").alias("last_sold")).filter(OFFER_PREDICATES["sold-lately"](terms)).count()
        == 2
    )
