"""Which offers exist on a day and which entity may get which: campaigns, coupons and targeting, without any scores.

An offer is a coupon within a campaign. What excludes one stands in named predicates, each a Column over the columns
said beside it; job-specs/offer-checks.yaml holds the same terms again as SQL on the raw tables.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkjobs.failure import InputError, refuse
from sparkjobs.lines import as_id
from sparkjobs.rules import matches_any


@dataclass(frozen=True)
class Terms:
    """What the spec says about who may get what."""

    as_of: date
    never_offer: list[str]
    max_items: int | None
    sold_within_days: int
    open_types: list[str]

    @staticmethod
    def of(settings: Mapping[str, Any]) -> "Terms":
        """From the settings of an InferenceJob."""
        rules = settings["rules"]
        return Terms(
            as_of=date.fromisoformat(settings["asOf"]),
            never_offer=rules["neverOffer"],
            max_items=rules.get("maxItems"),
            sold_within_days=settings["availability"]["days"],
            open_types=settings["openPool"]["campaignTypes"],
        )

    @property
    def day(self) -> Column:
        return F.lit(self.as_of)


Predicate = Callable[[Terms], Column]

CAMPAIGN_PREDICATES: dict[str, Predicate] = {
    # start, end: the first and the last day, both included.
    "active": lambda terms: terms.day.between(F.col("start"), F.col("end")),
}

OFFER_PREDICATES: dict[str, Predicate] = {
    # categories of all its items; one item that must not be offered excludes the whole coupon.
    "offerable": lambda terms: ~F.exists("categories", lambda category: matches_any(category, terms.never_offer)),
    "not-storewide": lambda terms: F.lit(True) if terms.max_items is None else F.col("items") <= terms.max_items,
    # last_sold: last day before the as-of day on which any of its items was sold, at any place.
    "sold-lately": lambda terms: (
        F.lit(True)
        if terms.sold_within_days == 0
        else F.coalesce(F.col("last_sold") >= F.date_sub(terms.day, terms.sold_within_days), F.lit(False))
    ),
    # Without a single known category there is nothing to score it by.
    "known-category": lambda terms: F.size("categories") > 0,  # noqa: ARG005
}

ENTITLEMENT_PREDICATES: dict[str, Predicate] = {
    # targeted: by this campaign; targeted_at_all: by any active campaign.
    "targeted-or-open": lambda terms: (
        F.col("targeted")
        | (~F.col("targeted_at_all") & (F.col("type").isin(terms.open_types) if terms.open_types else F.lit(True)))
    ),
    # campaign_types: the rule of the entity's segment; empty: all.
    "type-of-segment": lambda terms: (  # noqa: ARG005
        (F.size("campaign_types") == 0) | F.coalesce(F.array_contains("campaign_types", F.col("type")), F.lit(False))
    ),
}

PAIR_PREDICATES: dict[str, Predicate] = {
    # never: what the rule of the entity's segment excludes beside the rest.
    "offerable-to-segment": lambda terms: (  # noqa: ARG005
        ~F.exists("categories", lambda category: F.regexp_like(category, F.col("never")))
    ),
}


def holds(predicates: Mapping[str, Predicate], terms: Terms) -> Column:
    """All predicates at once."""
    whole = F.lit(True)
    for predicate in predicates.values():
        whole = whole & predicate(terms)
    return whole


def campaigns_of(raw: DataFrame, columns: Mapping[str, str], date_format: str | None) -> DataFrame:
    """campaign, type (null when no column is named), start, end (local dates).

    Raises InputError, when Spark comes to it, for a date that does not parse and for a campaign with two rows.
    """
    kind = F.col(columns["type"]).cast("string") if "type" in columns else F.lit(None).cast("string")
    read = raw.select(
        as_id(columns["campaign"]).alias("campaign"),
        kind.alias("type"),
        local_day(columns["start"], date_format).alias("start"),
        local_day(columns["end"], date_format).alias("end"),
    ).filter(F.col("campaign").isNotNull())
    twice = refuse(
        F.concat(F.lit("Cannot tell when campaign "), "campaign", F.lit(" runs: it has more than one row")),
        "Keep one row for each campaign",
    )
    per_campaign = read.groupBy("campaign").agg(
        F.count("*").alias("rows"), *(F.first(name).alias(name) for name in ("type", "start", "end"))
    )
    start = F.when(F.col("rows") == 1, F.col("start")).otherwise(twice.cast("date"))
    return per_campaign.select("campaign", "type", start.alias("start"), "end")


def local_day(name: str, date_format: str | None) -> Column:
    """A day as date; text in the Spark pattern `date_format` when there is one. What does not parse is refused."""
    value = F.col(f"`{name}`")
    if date_format is None:
        return value.cast("date")
    parsed = F.try_to_timestamp(value, F.lit(date_format)).cast("date")
    message = F.concat(F.lit(f"Cannot read a day in column {name}: '"), value, F.lit(f"' is not {date_format}"))
    return F.when(value.isNull() | parsed.isNotNull(), parsed).otherwise(
        refuse(message, "Correct the value, or dateFormat of the job").cast("date")
    )


def offer_items(coupons: DataFrame, columns: Mapping[str, str], categories: DataFrame) -> DataFrame:
    """campaign, coupon, item, category (null when unknown): the items on each coupon, each once."""
    roles = ("campaign", "coupon", "item")
    listed = coupons.select(*(as_id(columns[role]).alias(role) for role in roles))
    # The raw table may say the same twice; an item counts once in the content of an offer.
    return listed.dropna().dropDuplicates().join(categories, on="item", how="left").select(*roles, "category")


def offer_table(items: DataFrame, campaigns: DataFrame, history: DataFrame) -> DataFrame:
    """One row per offer of `campaigns`: campaign, coupon, type, start, end, items, categories, last_sold.

    `history`: clean lines before the as-of day.
    """
    sold = history.groupBy("item").agg(F.max("date").alias("last_sold"))
    content = (
        items.join(sold, on="item", how="left")
        .groupBy("campaign", "coupon")
        .agg(
            F.count("*").alias("items"),
            F.array_sort(F.collect_set("category")).alias("categories"),
            F.max("last_sold").alias("last_sold"),
        )
    )
    joined = content.join(F.broadcast(campaigns), on="campaign", how="inner")
    return joined.select("campaign", "coupon", "type", "start", "end", "items", "categories", "last_sold")


def memberships(entities: DataFrame, campaigns: DataFrame, targets: DataFrame | None) -> DataFrame:
    """`entities` by active campaign, each with each: targeted, targeted_at_all, basis and the campaign's columns.

    `entities`: entity, segment, never, campaign_types; `targets`: campaign, entity; None: everyone is in each campaign.
    `basis` is targeted, open (from the open pool, for who is in no active campaign) or everyone.
    """
    if targets is None:
        whole = F.lit(True)
        crossed = entities.withColumns({"targeted": whole, "targeted_at_all": whole, "basis": F.lit("everyone")})
        return crossed.crossJoin(F.broadcast(campaigns))
    active = targets.join(F.broadcast(campaigns.select("campaign")), on="campaign", how="left_semi")
    mine = active.groupBy("entity").agg(F.collect_set("campaign").alias("mine"))
    with_mine = entities.join(mine, on="entity", how="left").crossJoin(F.broadcast(campaigns))
    targeted = F.coalesce(F.array_contains("mine", F.col("campaign")), F.lit(False))
    return with_mine.withColumns(
        {
            "targeted": targeted,
            "targeted_at_all": F.col("mine").isNotNull(),
            "basis": F.when(targeted, F.lit("targeted")).otherwise(F.lit("open")),
        }
    )


def entitlements(members: DataFrame, terms: Terms) -> DataFrame:
    """entity, segment, never, campaign, basis: of the `memberships` those by which an entity may get offers."""
    entitled = members.filter(holds(ENTITLEMENT_PREDICATES, terms))
    return entitled.select("entity", "segment", "never", "campaign", "basis")


def eligible_pairs(entitled: DataFrame, offers: DataFrame, terms: Terms) -> DataFrame:
    """entity, segment, basis, campaign, coupon, start, end: every offer that an entity may get."""
    pairs = entitled.join(F.broadcast(offers), on="campaign", how="inner").filter(holds(PAIR_PREDICATES, terms))
    return pairs.select("entity", "segment", "basis", "campaign", "coupon", "start", "end")


def require_types(settings: Mapping[str, Any]) -> None:
    """Raise InputError when rules speak of types of campaigns and the spec names no column for them."""
    asked = bool(settings["openPool"]["campaignTypes"]) or any(
        rule["campaignTypes"] for rule in settings["rules"]["segments"]
    )
    if asked and "type" not in settings["tables"]["campaigns"]:
        raise InputError(
            "Cannot tell the types of campaigns: openPool or the offer rules name campaignTypes, no column has them",
            "Name the column in tables.campaigns.type of the job, or leave campaignTypes empty",
        )
