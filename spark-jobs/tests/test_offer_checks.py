"""The SQL of job-specs/offer-checks.yaml finds what the offers job must never make.

It runs on a small retailer with one trap for each term. With all predicates in place no check fires; with one taken
out, the check that looks for it does. What no predicate guards is planted into the offers by hand.
"""

import re
from datetime import date, datetime
from pathlib import Path

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkjobs import offers, rules
from sparkjobs.lines import categories
from sparkjobs.offer_scores import contents, listed_purchases, purchases, score_offers
from sparkjobs.offering import at_hand
from sparkjobs.offers import Terms
from sparkjobs.reasons import reason

SPEC = Path(__file__).parents[2] / "job-specs" / "offer-checks.yaml"
DAY = date(2017, 11, 15)
TERMS = Terms(as_of=DAY, never_offer=["*BEER*"], max_items=5000, sold_within_days=84, open_types=["Type B", "Type C"])
RULES = {"default": {"quotas": {"frequent": 3, "lapsed": 2, "fresh": 3}}, "segments": []}
SEGMENTS = [("1", "s1"), ("2", "s1")]
# 1 buys milk and once bought tea; 2 buys milk; someone else bought the beer; the jam was last sold in spring.
LINES = [
    ("1", "v1", "10", "MILK", date(2017, 11, 1)),
    ("1", "v2", "20", "TEA", date(2017, 3, 1)),
    ("2", "v3", "11", "MILK", date(2017, 11, 14)),
    ("3", "v4", "30", "BEERS/ALES", date(2017, 11, 2)),
    ("3", "v5", "40", "JAM", date(2017, 4, 1)),
    ("3", "v6", "20", "TEA", date(2017, 11, 3)),
    ("3", "v7", "9000", "SOUP", date(2017, 11, 3)),
]
ITEMS = [(10, "MILK"), (11, "MILK"), (20, "TEA"), (30, "BEERS/ALES"), (40, "JAM")] + [
    (9000 + i, "SOUP") for i in range(5001)
]
# 1 runs for its targets, 2 is over, 3 is open to who has no campaign, 4 is of a type that is not.
CAMPAIGNS = [
    (1, "Type A", datetime(2017, 11, 1), datetime(2017, 12, 1)),
    (2, "Type A", datetime(2017, 9, 1), datetime(2017, 10, 1)),
    (3, "Type B", datetime(2017, 11, 15), datetime(2017, 11, 20)),
    (4, "Type A", datetime(2017, 11, 1), datetime(2017, 11, 15)),
]
TARGETS = [(1, 1), (2, 1)]
# coupon, item, campaign: 102 is in two of them; 103 lists beer too, 104 only what is no longer sold, 105 is storewide.
COUPONS = [
    (101, 10, 1),
    (102, 20, 1),
    (103, 10, 1),
    (103, 30, 1),
    (104, 40, 1),
    (106, 20, 2),
    (107, 11, 3),
    (102, 20, 3),
    (108, 20, 4),
] + [(105, 9000 + i, 1) for i in range(5001)]


OFFER = {
    "entity": "2",
    "rank": 3,
    "campaign": "3",
    "coupon": "109",
    "score": 0.1,
    "group": "fresh",
    "rule": "s1: 3 fresh",
    "segment": "s1",
    "reason": "planted",
}
OFFER_SCHEMA = (
    "entity string, rank int, campaign string, coupon string, score double, group string, rule string, "
    "segment string, reason string"
)


def checks() -> dict[str, str]:
    """name -> SQL of the spec, its folded blocks unfolded and the as-of day filled in."""
    found = re.findall(r"- name: (\S+)\n +sql: >-\n((?: {10}.*\n?)+)", SPEC.read_text())
    return {name: " ".join(sql.split()).replace("${params.asOf}", DAY.isoformat()) for name, sql in found}


@pytest.fixture(scope="module")
def raw(spark) -> dict[str, DataFrame]:
    """The raw tables by role, as the checks see them."""
    make = spark.createDataFrame
    frames = {
        "lines": make(LINES, "entity string, visit string, item string, category string, date date"),
        "items": make(ITEMS, "product_id long, product_category string"),
        "campaigns": make(
            CAMPAIGNS, "campaign_id long, campaign_type string, start_date timestamp, end_date timestamp"
        ),
        "targets": make(TARGETS, "campaign_id long, household_id long"),
        "coupons": make(COUPONS, "coupon_upc long, product_id long, campaign_id long"),
    }
    return {role: frame.cache() for role, frame in frames.items()}


@pytest.fixture(scope="module")
def good(spark, raw) -> DataFrame:
    """The offers made with all predicates in place."""
    return made(spark, raw)


def eligible(spark, raw) -> DataFrame:
    """entity, segment, basis, campaign, coupon, start, end by the functions of the job, and the coupons' items."""
    names = {"campaign": "campaign_id", "start": "start_date", "end": "end_date", "type": "campaign_type"}
    campaigns = offers.campaigns_of(raw["campaigns"], names, None)
    active = at_hand(campaigns.filter(offers.holds(offers.CAMPAIGN_PREDICATES, TERMS)))
    entities = spark.createDataFrame(SEGMENTS, "entity string, segment string")
    targets = raw["targets"].selectExpr("string(campaign_id) campaign", "string(household_id) entity")
    ruled = entities.join(rules.rule_table(spark, RULES, ["s1"]), "segment")
    entitled = offers.entitlements(offers.memberships(ruled, active, targets), TERMS)
    all_offers = offers.offer_table(listed_items(raw), active, raw["lines"])
    allowed = at_hand(all_offers.filter(offers.holds(offers.OFFER_PREDICATES, TERMS)))
    return at_hand(offers.eligible_pairs(entitled, allowed, TERMS))


def listed_items(raw) -> DataFrame:
    """campaign, coupon, item, category of the raw coupons."""
    names = {"campaign": "campaign_id", "coupon": "coupon_upc", "item": "product_id"}
    return offers.offer_items(raw["coupons"], names, categories(raw["items"], "product_id", "product_category"))


def made(spark, raw) -> DataFrame:
    """The offers of SEGMENTS, all the way; every category is liked alike."""
    pairs = eligible(spark, raw)
    items = listed_items(raw)
    content = at_hand(contents(items, pairs.select("campaign", "coupon").distinct()))
    liked = content.select("category").distinct().withColumn("liking", F.lit(1.0))
    likings = pairs.select("entity").distinct().crossJoin(liked)
    bought, listed = purchases(raw["lines"], content), listed_purchases(raw["lines"], items, content)
    scored = at_hand(score_offers(pairs, content, likings, bought, listed))
    candidates = scored.withColumn("group", rules.group_of(F.col("last"), TERMS.day, 91))
    chosen = rules.fill_quotas(rules.once_per_coupon(candidates), rules.rule_table(spark, RULES, ["s1"]))
    return at_hand(chosen.withColumn("reason", reason(DAY)).select(*OFFER))


def firing(spark, raw, of_offers: DataFrame, *names: str) -> list[str]:
    """Which of the checks (all, when none are named) return rows."""
    for role, frame in {**raw, "offers": of_offers}.items():
        frame.createOrReplaceTempView(role)
    return [name for name, sql in checks().items() if (not names or name in names) and spark.sql(sql).take(1)]


def test_the_spec_is_read_whole():
    assert len(checks()) == SPEC.read_text().count("- name: ")


def test_no_check_fires_on_offers_made_with_all_predicates(spark, raw, good):
    assert sorted((row.entity, row.campaign, row.coupon, row.group) for row in good.collect()) == [
        ("1", "1", "101", "frequent"),
        ("1", "1", "102", "lapsed"),
        ("2", "3", "102", "fresh"),
        ("2", "3", "107", "frequent"),
    ]
    assert firing(spark, raw, good) == []


TERM_CHECKS = ["outside-the-window", "not-entitled", "never-offerable", "storewide", "not-sold-lately"]


@pytest.mark.parametrize(
    ("predicates", "name", "check"),
    [
        (offers.CAMPAIGN_PREDICATES, "active", "outside-the-window"),
        (offers.ENTITLEMENT_PREDICATES, "targeted-or-open", "not-entitled"),
        (offers.OFFER_PREDICATES, "offerable", "never-offerable"),
        (offers.OFFER_PREDICATES, "not-storewide", "storewide"),
        (offers.OFFER_PREDICATES, "sold-lately", "not-sold-lately"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_without_a_predicate_its_check_fires_and_no_other(spark, raw, monkeypatch, predicates, name, check):
    assert firing(spark, raw, eligible(spark, raw), check) == []
    # Not taken out: put back, it would be last, and the order of refusals is the order of predicates.
    monkeypatch.setitem(predicates, name, lambda _: F.lit(True))
    assert firing(spark, raw, eligible(spark, raw), *TERM_CHECKS) == [check]


def test_a_coupon_kept_in_both_of_its_campaigns_is_found(spark, raw):
    pairs = eligible(spark, {**raw, "targets": spark.createDataFrame([*TARGETS, (3, 1)], raw["targets"].schema)})
    candidates = pairs.withColumns({"score": F.lit(0.5), "group": F.lit("fresh")})
    assert firing(spark, raw, candidates, "coupon-twice") == ["coupon-twice"]
    assert firing(spark, raw, rules.once_per_coupon(candidates), "coupon-twice") == []


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"coupon": "101", "group": "frequent"}, "coupon-of-another-campaign"),
        ({"campaign": "99"}, "outside-the-window"),
        ({"rank": 4}, "ranks-with-gaps"),
        ({"rule": "default: 1 fresh", "coupon": "102"}, "quota-exceeded"),
        ({"rule": "whatever"}, "quota-exceeded"),
        ({"reason": " "}, "something-missing"),
        ({"score": None}, "something-missing"),
        ({"entity": "1", "campaign": "1", "coupon": "101", "group": "fresh"}, "group-against-purchases"),
        ({"entity": "1", "campaign": "1", "coupon": "102", "group": "frequent"}, "group-against-purchases"),
    ],
    ids=str,
)
def test_what_no_predicate_guards_is_found_when_planted(spark, raw, good, change, check):
    # A quota of one is only exceeded by a second offer of the same rule.
    offered = good.withColumn("rule", F.regexp_replace("rule", "3 fresh", "1 fresh"))
    planted = spark.createDataFrame([tuple({**OFFER, **change}.values())], OFFER_SCHEMA)
    assert firing(spark, raw, offered.unionByName(planted), check) == [check]


def test_more_offers_than_all_quotas_together_are_found(spark, raw):
    rows = [tuple({**OFFER, "rank": i + 1, "coupon": str(i), "rule": "s1: 9 fresh"}.values()) for i in range(9)]
    check = "more-offers-than-all-quotas"
    assert firing(spark, raw, spark.createDataFrame(rows[:8], OFFER_SCHEMA), check) == []
    assert firing(spark, raw, spark.createDataFrame(rows, OFFER_SCHEMA), check) == [check]
