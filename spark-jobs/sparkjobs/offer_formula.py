"""What an offer is worth to an entity, from what it lists: one formula for Spark columns and NumPy arrays alike.

It knows nothing of the offer itself, so one that nobody has seen before is ranked like any other.
"""

from typing import Any

# Picked by recall on campaigns before 2017-10-30 (offer-evaluation tunes them again and says what it finds).
PRIOR_VISITS = 10.0


def usual_share(all_listed: Any, all_visits: Any) -> Any:
    """How likely it is that a visit with a category holds an item the offer lists, from the visits of all entities.

    Half a visit is added, so that items nobody has bought yet are unlikely and not impossible.
    """
    return (all_listed + 0.5) / (all_visits + 1.0)


def worth(share: Any, liking: Any, listed_visits: Any, usual: Any, prior_visits: float = PRIOR_VISITS) -> Any:
    """What one category adds to the score of an offer: share x (listed_visits + prior_visits x liking x usual).

    `share` of the offer's items that are of the category; `liking` of the category (`offer_scores.liking`);
    `listed_visits` of the entity with an item of the category that the offer lists; `usual` as in `usual_share`.
    Who has bought what is listed is judged by that; the liking orders the rest, as `prior_visits` further visits would.
    """
    return share * (listed_visits + prior_visits * liking * usual)
