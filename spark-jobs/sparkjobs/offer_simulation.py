"""Closed loop on made-up businesses: a policy ranks new offers, rules fill the quotas, entities respond with known
chances, and their visits and redemptions are what the next round goes by.

Scores are those of `offer_rankers`; quotas are filled by `rules.fill_quotas` itself, on Spark, all worlds at once.
"""

from collections.abc import Iterable
from datetime import date, timedelta

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from sparkjobs.job import Job
from sparkjobs.offer_rankers import RANKERS, Evidence
from sparkjobs.offer_records import Round, round_at
from sparkjobs.offer_world import STEP, World
from sparkjobs.rules import fill_quotas, group_of, rule_table
from sparkjobs.sequences import EPOCH

POLICY, BEST = "offer score", "the truth"
RIVALS = ("random", "popularity of what is listed", "own purchases of what is listed")
RULES = {"segments": [], "default": {"quotas": {"frequent": 2, "lapsed": 1, "fresh": 2}}}
RECENT_DAYS = 3 * STEP
SHOWN = "entity string, segment string, campaign string, coupon string, score double, end date, last date"
SCHEMA = "policy string, seed bigint, round bigint, response double, response_new double, offers bigint"


def simulated(spark: SparkSession, seeds: Iterable[int], rounds: int, entities: int) -> pd.DataFrame:
    """policy, seed, round, response, response_new, offers: the expected response to what each policy shows.

    `response` is the mean true chance that a shown offer is redeemed, so free of the luck of the draw; `response_new`
    the same over coupons that no earlier campaign had. Each policy lives in a world of its own, and the worlds of one
    seed have the same tastes, offers and habits.
    """
    worlds = {(policy, seed): World(seed, entities) for seed in seeds for policy in (BEST, *RIVALS, POLICY)}
    rows = []
    for number in range(rounds):
        opened = {key: _opened(world) for key, world in worlds.items()}
        candidates = [_candidates(key, *of, worlds[key]) for key, of in opened.items()]
        chosen = shown(spark, pd.concat(candidates, ignore_index=True))
        for key, (round_, _) in opened.items():
            world, mine = worlds[key], chosen[chosen["world"] == _name(key)]
            places = {coupon: offer for offer, coupon in round_.offers["coupon"].items()}
            taken = np.zeros(round_.entitled.shape, dtype=bool)
            taken[mine["place"], mine["coupon"].map(places)] = True
            chances, new = world.chances(round_), taken & round_.offers["new"].to_numpy()
            rows.append((*key, number, chances[taken].mean(), chances[new].mean(), int(taken.sum())))
            world.live(round_, taken)
    return pd.DataFrame(rows, columns=["policy", "seed", "round", "response", "response_new", "offers"])


def _opened(world: World) -> tuple[Round, Evidence]:
    campaign, day = world.open_campaign()
    round_ = round_at(world.records(), [campaign], day, day + STEP)
    return round_, Evidence(round_)


def _candidates(key: tuple[str, int], round_: Round, evidence: Evidence, world: World) -> pd.DataFrame:
    """SHOWN for every entity and offer of one world; the truth is a policy that knows the chances."""
    policy, _ = key
    scores = world.chances(round_) if policy == BEST else RANKERS[policy](evidence)
    bought = round_.known.lines.join(round_.known.items["category"], on="item")
    last = bought.groupby(["entity", "category"])["day"].max().unstack()
    of_offer = evidence.parts.set_index("offer")["category"]  # one category each
    days = last.reindex(index=round_.entities, columns=of_offer.loc[round_.offers.index]).to_numpy()
    entities, offers = np.indices(scores.shape).reshape(2, -1)
    return pd.DataFrame(
        {
            "entity": [f"{_name(key)}|{entity}" for entity in entities],
            "segment": "all",
            "campaign": round_.offers["campaign"].to_numpy()[offers],
            "coupon": round_.offers["coupon"].to_numpy()[offers],
            "score": scores.reshape(-1).astype(float),
            "end": EPOCH + timedelta(days=round_.day + STEP - 1),
            "last": [None if day != day else EPOCH + timedelta(days=int(day)) for day in days.reshape(-1)],
        }
    )


def _name(key: tuple[str, int]) -> str:
    return f"{key[0]}|{key[1]}"


def shown(spark: SparkSession, candidates: pd.DataFrame) -> pd.DataFrame:
    """world, place (of the entity), coupon: what the rules let each entity have of `candidates` (SHOWN)."""
    as_of: date = candidates["end"].iloc[0] - timedelta(days=STEP - 1)
    spark.conf.set("spark.sql.execution.arrow.pyspark.enabled", "true")
    # A few thousand rows: in one partition no window needs an exchange.
    frame = spark.createDataFrame(candidates, SHOWN).coalesce(1)
    grouped = frame.withColumn("group", group_of(F.col("last"), F.lit(as_of), RECENT_DAYS))
    chosen = fill_quotas(grouped, rule_table(spark, RULES, ["all"])).select("entity", "coupon").toPandas()
    split = chosen["entity"].str.rsplit("|", n=1, expand=True)
    return pd.DataFrame({"world": split[0], "place": split[1].astype(int), "coupon": chosen["coupon"]})


def gains(found: pd.DataFrame, rival: str, column: str = "response") -> pd.DataFrame:
    """round, gain, error: how far POLICY is above `rival`, paired by seed, and the standard error over the seeds."""
    wide = found.pivot(index=["round", "seed"], columns="policy", values=column)
    by_seed = (wide[POLICY] - wide[rival]).unstack("seed")
    error = by_seed.std(axis=1, ddof=1) / np.sqrt(by_seed.shape[1])
    return pd.DataFrame({"gain": by_seed.mean(axis=1), "error": error}).reset_index()


def table(found: pd.DataFrame, column: str = "response") -> tuple[list[str], list[list[object]]]:
    """Columns and rows for people: each policy's mean response by round, with its standard error over the seeds."""
    rounds = sorted(found["round"].unique())
    rows = []
    for policy in dict.fromkeys(found["policy"]):
        of = found[found["policy"] == policy].pivot(index="seed", columns="round", values=column)
        errors = of.std(ddof=1) / np.sqrt(len(of))
        rows.append([policy, *(f"{of[n].mean():.3f} ± {errors[n]:.3f}" for n in rounds)])
    return ["policy", *(f"round {n + 1}" for n in rounds)], rows


def main(job: Job) -> None:
    """Settings seeds, rounds, entities; writes output `simulation` and the tables for people."""
    settings = job.settings
    seeds, rounds, entities = (
        settings.get("seeds", [0, 1, 2, 3]),
        settings.get("rounds", 6),
        settings.get("entities", 40),
    )
    job.stage("simulating")
    found = simulated(job.spark, seeds, rounds, entities)
    job.write("simulation", job.spark.createDataFrame(found, SCHEMA))
    told = f"seeds {', '.join(map(str, seeds))}; ± standard error over them"
    job.table(f"Expected response to shown offers ({told})", *table(found))
    job.table(f"Expected response to new offers ({told})", *table(found, "response_new"))
    rows = []
    for rival in RIVALS:
        last = gains(found, rival).iloc[-1]
        rows.append([rival, f"{last['gain']:+.3f}", round(last["error"], 3)])
        job.metric(f"gain.{rival.split()[0]}", last["gain"])
    job.table(f"Gain of the {POLICY} in the last round", ["over", "gain", "standard error"], rows)
