"""Rules: groups, quotas, fallbacks and ties, each on a few literal candidates."""

from datetime import date

import pytest
from pyspark.sql import functions as F

from sparkjobs.failure import InputError
from sparkjobs.rules import (
    fallback_shares,
    fill_quotas,
    group_of,
    matches_any,
    once_per_coupon,
    orphans,
    refuse_fallbacks,
    rule_rows,
    rule_table,
)

END = date(2024, 6, 30)
CANDIDATE = "entity string, segment string, campaign string, coupon string, score double, end date, group string"


def rules_of(frequent, lapsed, fresh, **segments):
    quotas = {"frequent": frequent, "lapsed": lapsed, "fresh": fresh}
    own = [{"segment": name, "neverOffer": [], "campaignTypes": [], **rule} for name, rule in segments.items()]
    return {"default": {"quotas": quotas}, "segments": own, "maxFallbackShare": 0.1}


def candidates(spark, *rows, segment="s1"):
    """Rows are (coupon, score, group), all of one entity and campaign."""
    return spark.createDataFrame(
        [("ann", segment, "c1", coupon, score, END, group) for coupon, score, group in rows], CANDIDATE
    )


def chosen(spark, rules, frame):
    offers = fill_quotas(frame, rule_table(spark, rules, ["s1", "s2"]))
    return [(row.coupon, row.group, row.slot, row["rank"]) for row in offers.orderBy("entity", "rank").collect()]


@pytest.mark.parametrize(
    ("category", "globs", "expected"),
    [
        ("BEERS/ALES", ["*beer*"], True),
        ("Bière", ["BIÈRE"], True),
        ("FUEL", ["FUEL"], True),
        ("FUEL ADDITIVES", ["FUEL"], False),
        ("GINGER", ["*GIN"], False),
        ("A.B", ["A?B"], False),
        ("AxB", ["A.B"], False),
        ("COUPON/MISC ITEMS", ["COUPON/*"], True),
        ("(HOT) SAUCE + DIP", ["(hot) sauce + *"], True),
        ("two\nlines", ["two*"], True),
        ("FUEL", [], False),
        (None, ["*"], False),
    ],
)
def test_a_glob_matches_the_whole_category_and_only_the_star_is_special(spark, category, globs, expected):
    frame = spark.createDataFrame([(category,)], "category string")
    assert frame.select(matches_any(F.col("category"), globs)).first()[0] is expected


@pytest.mark.parametrize(
    ("last", "group"),
    [
        (None, "fresh"),
        (date(2024, 6, 9), "frequent"),
        (date(2024, 5, 11), "frequent"),
        (date(2024, 5, 10), "lapsed"),
        (date(2020, 1, 1), "lapsed"),
    ],
)
def test_the_group_follows_from_the_last_purchase_before_the_as_of_day(spark, last, group):
    frame = spark.createDataFrame([(last,)], "last date")
    # 30 days before 10 June: 11 May to 9 June.
    assert frame.select(group_of(F.col("last"), F.lit(date(2024, 6, 10)), 30)).first()[0] == group


def test_each_quota_takes_the_best_of_its_group(spark):
    frame = candidates(
        spark,
        ("a", 0.9, "frequent"),
        ("b", 0.8, "frequent"),
        ("c", 0.7, "frequent"),
        ("d", 0.2, "lapsed"),
        ("e", 0.1, "fresh"),
    )
    assert chosen(spark, rules_of(2, 1, 1), frame) == [
        ("a", "frequent", "frequent", 1),
        ("b", "frequent", "frequent", 2),
        ("d", "lapsed", "lapsed", 3),
        ("e", "fresh", "fresh", 4),
    ]


def test_what_a_group_lacks_comes_from_the_best_left_over_of_the_others(spark):
    frame = candidates(spark, ("a", 0.9, "frequent"), ("b", 0.3, "fresh"), ("c", 0.2, "fresh"), ("d", 0.1, "fresh"))
    assert chosen(spark, rules_of(2, 1, 1), frame) == [
        ("a", "frequent", "frequent", 1),
        ("b", "fresh", "fresh", 2),
        ("c", "fresh", "frequent", 3),
        ("d", "fresh", "lapsed", 4),
    ]


def test_too_few_candidates_in_all_give_fewer_offers_and_no_more_than_the_quotas_are_given(spark):
    assert chosen(spark, rules_of(2, 1, 1), candidates(spark, ("a", 0.9, "fresh"))) == [("a", "fresh", "fresh", 1)]
    many = candidates(spark, *((f"k{i}", i / 100, group) for i in range(30) for group in ["frequent"]))
    assert len(chosen(spark, rules_of(2, 1, 1), many)) == 4


def test_a_quota_of_zero_takes_none_directly(spark):
    frame = candidates(spark, ("a", 0.9, "fresh"), ("b", 0.1, "frequent"))
    assert chosen(spark, rules_of(1, 0, 0), frame) == [("b", "frequent", "frequent", 1)]


def test_equal_scores_are_ordered_by_end_campaign_and_coupon(spark):
    rows = [
        ("ann", "s1", "c2", "a", 0.5, END, "fresh"),
        ("ann", "s1", "c1", "z", 0.5, END, "fresh"),
        ("ann", "s1", "c1", "b", 0.5, END, "fresh"),
        ("ann", "s1", "c9", "y", 0.5, date(2024, 6, 20), "fresh"),
    ]
    for order in (rows, rows[::-1]):
        frame = spark.createDataFrame(order, CANDIDATE)
        assert [coupon for coupon, *_ in chosen(spark, rules_of(0, 0, 4), frame)] == ["y", "b", "z", "a"]


def test_entities_do_not_share_quotas_and_segments_have_their_own(spark):
    rows = [
        (entity, segment, "c1", coupon, 0.5, END, "fresh")
        for entity, segment in [("ann", "s1"), ("bob", "s2"), ("cat", "s2")]
        for coupon in ("a", "b", "c")
    ]
    rules = rules_of(0, 0, 2, s2={"quotas": {"frequent": 0, "lapsed": 0, "fresh": 1}})
    offers = fill_quotas(spark.createDataFrame(rows, CANDIDATE), rule_table(spark, rules, ["s1", "s2"]))
    assert sorted((row.entity, row.coupon, row.rule) for row in offers.collect()) == [
        ("ann", "a", "default: 2 fresh"),
        ("ann", "b", "default: 2 fresh"),
        ("bob", "a", "s2: 1 fresh"),
        ("cat", "a", "s2: 1 fresh"),
    ]


def test_a_coupon_of_two_campaigns_is_kept_once_the_better_one(spark):
    rows = [
        ("ann", "s1", "c1", "a", 0.2, END, "fresh"),
        ("ann", "s1", "c2", "a", 0.6, END, "fresh"),
        ("ann", "s1", "c1", "b", 0.1, END, "fresh"),
        ("bob", "s1", "c1", "a", 0.2, END, "fresh"),
    ]
    kept = once_per_coupon(spark.createDataFrame(rows, CANDIDATE)).collect()
    assert sorted((row.entity, row.coupon, row.campaign) for row in kept) == [
        ("ann", "a", "c2"),
        ("ann", "b", "c1"),
        ("bob", "a", "c1"),
    ]


def test_rules_for_absent_segments_are_named_and_two_for_one_segment_are_refused():
    quotas = {"frequent": 1, "lapsed": 0, "fresh": 0}
    rules = rules_of(1, 1, 1, s1={"quotas": quotas}, s9={"quotas": quotas})
    assert orphans(rules, ["s1", "s2"]) == ["s9"]
    assert [(row[0], row[1]) for row in rule_rows(rules, ["s2", "s1"])] == [("s1", "s1"), ("s2", "default")]
    rules["segments"].append(rules["segments"][0])
    with pytest.raises(InputError, match="segment s1: the offer rules have two"):
        rule_rows(rules, ["s1"])


def test_the_share_of_fallbacks_is_of_a_segment_and_its_bound_names_the_segments(spark):
    offers = spark.createDataFrame(
        [("ann", "s1", "fresh", "fresh"), ("ann", "s1", "fresh", "lapsed"), ("bob", "s2", "fresh", "fresh")],
        "entity string, segment string, group string, slot string",
    )
    shares = {row.segment: row.share for row in fallback_shares(offers).collect()}
    assert shares == {"s1": 0.5, "s2": 0.0}
    refuse_fallbacks(shares, 0.5, {})
    with pytest.raises(
        InputError, match=r"more than 10% .* segment s1 \(50.0%; candidates per entity: 2 fresh\)"
    ) as refused:
        refuse_fallbacks(shares, 0.1, {"s1": "2 fresh"})
    assert "maxFallbackShare" in refused.value.remedy
