"""Closed loop: the score of the offers against chance and popularity, where the true response is known."""

import numpy as np
import pytest

from sparkjobs.offer_rankers import Evidence, by_offer_score
from sparkjobs.offer_records import round_at
from sparkjobs.offer_simulation import BEST, POLICY, RIVALS, gains, simulated, table
from sparkjobs.offer_world import CARRIED, OFFERS, STEP, World

SEEDS, ROUNDS, ENTITIES = (0, 1, 2), 4, 30


@pytest.fixture(scope="module")
def found(spark):
    return simulated(spark, SEEDS, ROUNDS, ENTITIES)


def of_round(world: World):
    campaign, day = world.open_campaign()
    return round_at(world.records(), [campaign], day, day + STEP)


@pytest.mark.parametrize("rival", RIVALS[:2])
@pytest.mark.parametrize("column", ["response", "response_new"])
def test_the_score_rises_above_chance_and_popularity_and_stays(found, rival, column):
    print(*table(found, column)[1], sep="\n")
    over = gains(found, rival, column)
    print(f"gain over {rival}, seeds {SEEDS}\n{over.round(3)}")
    later = over[over["round"] >= 1]
    assert (later["gain"] > 2 * later["error"]).all()
    assert later["gain"].min() > over["gain"].iloc[0]


def test_nobody_does_better_than_the_truth(found):
    mean = found.groupby(["policy", "round"])["response"].mean().unstack("policy")
    assert (mean[BEST] > mean[POLICY]).all()
    share = mean[POLICY] / mean[BEST]
    assert share.iloc[-1] > share.iloc[0]


def test_every_entity_gets_what_the_quotas_allow(found):
    assert set(found["offers"]) == {5 * ENTITIES}


def test_worlds_of_a_seed_are_alike_and_simulate_the_same_twice():
    first, second = World(7, 5), World(7, 5)
    rounds = [of_round(world) for world in (first, second)]
    for world, round_ in zip((first, second), rounds, strict=True):
        world.live(round_, np.ones(round_.entitled.shape, dtype=bool))
    assert (first.visits, first.redemptions) == (second.visits, second.redemptions)
    assert first.visits != World(8, 5).visits


def test_most_offers_of_a_round_are_new_and_none_is_known_from_visits_of_later_days():
    world = World(1, 5)
    first = of_round(world)
    assert first.offers["new"].all()
    assert first.known.lines["day"].max() < first.day
    world.live(first, np.ones(first.entitled.shape, dtype=bool))
    second = of_round(world)
    assert (second.offers["new"].sum(), (~second.offers["new"]).sum()) == (OFFERS, CARRIED)
    assert len(second.known.redemptions) == len(world.redemptions) > 0


def test_new_offers_are_ordered_by_what_they_list():
    world = World(3, 40)
    round_ = of_round(world)
    scores, chances = by_offer_score(Evidence(round_)), world.chances(round_)
    alike = [np.corrcoef(scores[entity], chances[entity])[0, 1] for entity in range(40)]
    assert round_.offers["new"].all()
    assert np.mean(alike) > 0.2


def test_a_redemption_makes_a_category_known():
    world = World(2, 20)
    before = world.knows.sum()
    round_ = of_round(world)
    world.live(round_, np.ones(round_.entitled.shape, dtype=bool))
    assert world.knows.sum() > before
