"""What is recorded of every offer and entity, on a few literal rows; the rows of an entity add up to all offers."""

from datetime import date

import pytest
from pyspark.sql import functions as F

from sparkjobs import offers as offering_terms
from sparkjobs.considered import REFUSALS, considered, known, refused
from sparkjobs.offer_scores import HISTORY_SCHEMA
from sparkjobs.offers import Terms, eligible_pairs, entitlements, holds, memberships
from sparkjobs.rules import fill_quotas, once_per_coupon, rule_table

DAY = date(2024, 6, 10)
END = date(2024, 6, 30)
TERMS = Terms(as_of=DAY, never_offer=["*BEER*"], max_items=3, sold_within_days=28, open_types=["open"])
CAMPAIGNS = [
    ("t", "targeted", DAY, END),
    ("o", "open", DAY, END),
    ("over", "open", date(2024, 1, 1), date(2024, 1, 2)),
    ("undated", "open", DAY, None),
]
# campaign, coupon, items, categories, last_sold
SOLD = date(2024, 6, 9)
OFFERS = [
    ("t", "milk", 1, ["MILK"], SOLD),
    ("t", "tea", 1, ["TEA"], SOLD),
    ("o", "milk", 1, ["MILK"], SOLD),
    ("o", "cheese", 1, ["CHEESE"], SOLD),
    ("o", "beer", 9, ["BEER"], SOLD),
    ("o", "stale", 1, ["MILK"], date(2024, 1, 1)),
    ("o", "odd", 1, [], None),
]
RULES = {
    "default": {"quotas": {"frequent": 1, "lapsed": 0, "fresh": 0}},
    "segments": [
        {
            "segment": "s2",
            "quotas": {"frequent": 0, "lapsed": 1, "fresh": 1},
            "neverOffer": ["CHEESE"],
            "campaignTypes": ["open", "targeted"],
        },
        {"segment": "s3", "quotas": {"frequent": 1, "lapsed": 0, "fresh": 0}, "campaignTypes": ["other"]},
    ],
}
SCORES = {"milk": 0.9, "tea": 0.5, "cheese": 0.4}


@pytest.fixture(scope="module")
def rows(spark):
    """Everything about ann (in campaign t), bob (in none, never CHEESE) and cid (whose segment may get no type)."""
    campaigns = spark.createDataFrame(CAMPAIGNS, "campaign string, type string, start date, end date")
    made = spark.createDataFrame(
        OFFERS, "campaign string, coupon string, items int, categories array<string>, last_sold date"
    )
    items = made.select("campaign", "coupon").unionByName(
        spark.createDataFrame(
            [("over", "x"), ("over", "y"), ("over", "y"), ("undated", "z")], "campaign string, coupon string"
        )
    )
    active = campaigns.filter(holds(offering_terms.CAMPAIGN_PREDICATES, TERMS))
    offers = made.join(active, on="campaign")
    rules = rule_table(spark, RULES, ["s1", "s2", "s3"])
    segments = spark.createDataFrame([("ann", "s1"), ("bob", "s2"), ("cid", "s3")], "entity string, segment string")
    targets = spark.createDataFrame([("t", "ann")], "campaign string, entity string")
    members = memberships(segments.join(rules, on="segment"), active, targets)
    entitled = entitlements(members, TERMS)
    pairs = eligible_pairs(entitled, offers.filter(holds(offering_terms.OFFER_PREDICATES, TERMS)), TERMS)
    score = F.create_map(*[F.lit(part) for pair in SCORES.items() for part in pair])[F.col("coupon")]
    candidates = pairs.withColumns(
        {
            "score": score,
            "group": F.lit("frequent"),
            "category": F.upper("coupon"),
            "liking": F.lit(0.5),
            "visits": F.lit(3),
            "last": F.lit(SOLD),
        }
    )
    chosen = fill_quotas(once_per_coupon(candidates), rules).withColumn("reason", F.lit("because"))
    before = refused(campaigns, items, offers, members, entitled, TERMS)
    return considered(candidates, chosen, before).collect()


def told(rows, entity):
    of = [row for row in rows if row.entity == entity]
    return sorted((row.campaign, row.coupon or "", row.offers, row.decision) for row in of)


def test_what_is_refused_to_everyone_is_said_once_with_all_that_does_not_hold(rows):
    assert told(rows, None) == [
        ("o", "beer", 1, "never-offered, storewide"),
        ("o", "odd", 1, "not-sold-lately, no-known-category"),
        ("o", "stale", 1, "not-sold-lately"),
        ("over", "", 2, "not-active"),
        ("undated", "", 1, "not-active"),
    ]


def test_what_an_entity_may_not_get_is_told_by_campaign_and_by_offer(rows):
    assert told(rows, "ann") == [
        ("o", "", 2, "not-targeted"),
        ("t", "milk", 1, "kept"),
        ("t", "tea", 1, "quota-full"),
    ]
    assert told(rows, "bob") == [
        ("o", "cheese", 1, "never-offered-to-segment"),
        ("o", "milk", 1, "kept-as-fallback"),
        ("t", "", 2, "not-targeted"),
    ]
    assert told(rows, "cid") == [
        ("o", "", 2, "type-not-for-segment"),
        ("t", "", 2, "not-targeted, type-not-for-segment"),
    ]


def test_the_rows_of_an_entity_and_of_everyone_add_up_to_all_offers(rows):
    everyone = sum(row.offers for row in rows if row.entity is None)
    for entity in ("ann", "bob", "cid"):
        assert everyone + sum(row.offers for row in rows if row.entity == entity) == len(OFFERS) + 3


def test_a_candidate_has_its_score_its_place_before_the_rules_and_the_place_of_its_category(rows):
    (milk,) = [row for row in rows if row.entity == "ann" and row.coupon == "milk"]
    assert (milk.place, milk["rank"], milk.score, milk.liked, milk.reason) == (1, 1, 0.9, 4, "because")
    (tea,) = [row for row in rows if row.entity == "ann" and row.coupon == "tea"]
    assert (tea.place, tea["rank"], tea.reason) == (2, None, None)


def test_the_same_coupon_in_another_campaign_names_that_campaign(spark):
    schema = (
        "entity string, segment string, campaign string, coupon string, start date, end date, score double, "
        "group string, category string, liking double, visits int, last date"
    )
    facts = ("fresh", "MILK", 0.0, None, None)
    candidates = spark.createDataFrame(
        [("ann", "s1", "a", "k", DAY, END, 0.5, *facts), ("ann", "s1", "b", "k", DAY, DAY, 0.5, *facts)], schema
    )
    rules = rule_table(spark, RULES, ["s1"])
    chosen = fill_quotas(once_per_coupon(candidates), rules).withColumn("reason", F.lit("because"))
    found = considered(candidates, chosen, candidates.limit(0)).orderBy("place").collect()
    # The one that ends first is preferred; its group has no quota, so it fills the place of another.
    assert [(row.campaign, row.decision, row.instead, row.liked) for row in found] == [
        ("b", "kept-as-fallback", None, None),
        ("a", "other-campaign", "b", None),
    ]


def test_every_predicate_has_a_word_for_its_refusal():
    groups = [value for name, value in vars(offering_terms).items() if name.endswith("_PREDICATES")]
    assert {name for group in groups for name in group} == set(REFUSALS)


def test_what_was_known_of_an_entity_is_its_rule_its_visits_and_its_most_frequent_categories(spark):
    histories = spark.createDataFrame(
        [("ann", [0, 2], [9, 9], ["p", "p"], [["MILK", "TEA"], ["MILK"]]), ("new", [], [], [], [])], HISTORY_SCHEMA
    )
    likings = spark.createDataFrame([("ann", "MILK", 1 / 3**0.5)], "entity string, category string, liking double")
    segments = spark.createDataFrame([("ann", "s1"), ("new", "s2")], "entity string, segment string")
    rules = rule_table(spark, RULES, ["s1", "s2"])
    ann, new = known(histories, likings, segments, rules, DAY, "txt").orderBy("entity").collect()
    assert ann.asDict() == {
        "entity": "ann",
        "segment": "s1",
        "rule": "default: 1 frequent",
        "as_of": DAY,
        "scorer": "txt",
        "context": "unknown",
        "visits": 2,
        "last_visit": date(1970, 1, 3),
        "categories": ["MILK", "TEA"],
        "category_visits": [2, 1],
        "category_last": ["1970-01-03", "1970-01-01"],
        "category_liked": [3, None],
    }
    assert (new.rule, new.visits, new.last_visit, new.categories) == ("s2: 1 lapsed, 1 fresh", 0, None, None)
