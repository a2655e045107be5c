"""Made-up sessions of which it is known how history and context decide the next category.

One category per visit, two context features. The past comes to a vector u, which halves at every visit and takes in the
vector of the category bought, so that the last few visits matter. The logit of category j is u' . v_j, with random
vectors v of length 1; what a visit adds to u are these, turned by a random rotation, lest what was bought be bought
again for ever. The truth says what the context does to u:

- `multiplicative`: u' = u * a[first feature] * b[second feature], element by element. The two features interact with
  each other and both with the past: what a category's context does cannot be said without knowing the others. The
  factors are random signs, so none of them is of use alone. A sum of an embedding per feature, which is all that a
  latent cross multiplies by, cannot say their product; a cell that mixes the features can.
- `additive`: u' = u + a[first feature] + b[second feature]. The context favours categories whatever the past is.
- `none`: u' = u. The features are noise.
"""

from dataclasses import dataclass

import numpy as np

from sparkjobs.sequences import Sequences

TRUTHS = ("multiplicative", "additive", "none")
SIZES = (4, 3)  # values of each context feature
DAYS_APART = 3


@dataclass(frozen=True)
class Sessions:
    """Visits with their context and what the truth says of each."""

    sequences: Sequences
    ids: np.ndarray  # int64 [visits, 2], from 1
    chances: np.ndarray  # float64 [visits, categories], the probability of each category given past and context


def sessions(
    truth: str,
    seed: int,
    entities: int = 300,
    visits: int = 50,
    categories: int = 12,
    dim: int = 6,
    spread: float = 2.5,
) -> Sessions:
    """Histories of equally many visits, three days apart. `spread` is the standard deviation of the logits: the higher,
    the surer is the next category. Same arguments, same sessions."""
    draws = np.random.default_rng([TRUTHS.index(truth), seed])
    vectors = draws.normal(size=(categories, dim))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    taken = vectors @ np.linalg.qr(draws.normal(size=(dim, dim)))[0]
    signs = truth == "multiplicative"
    first, second = (draws.choice([-1.0, 1.0], (n, dim)) if signs else draws.normal(size=(n, dim)) for n in SIZES)
    ids = np.stack([draws.integers(0, size, (entities, visits)) for size in SIZES], axis=-1)
    past = draws.normal(size=(entities, dim))
    bought, chances = np.empty((entities, visits), dtype=np.int32), np.empty((entities, visits, categories))
    for visit in range(visits):
        one, other = first[ids[:, visit, 0]], second[ids[:, visit, 1]]
        seen = {"multiplicative": past * one * other, "additive": past + one + other, "none": past}[truth]
        logits = seen @ vectors.T
        logits *= spread / logits.std()
        chances[:, visit] = np.exp(logits - logits.max(axis=1, keepdims=True))
        chances[:, visit] /= chances[:, visit].sum(axis=1, keepdims=True)
        drawn = (chances[:, visit].cumsum(axis=1) < draws.random((entities, 1))).sum(axis=1)
        bought[:, visit] = np.minimum(drawn, categories - 1)
        past = past / 2 + taken[bought[:, visit]]
    return Sessions(_sequences(bought, categories), ids.reshape(-1, 2) + 1, chances.reshape(-1, categories))


def _sequences(bought: np.ndarray, categories: int) -> Sequences:
    entities, visits = bought.shape
    days = np.tile(np.arange(visits, dtype=np.int32) * DAYS_APART, entities)
    return Sequences(
        entities=np.array([f"e{i:04d}" for i in range(entities)], dtype=object),
        starts=np.arange(entities + 1) * visits,
        days=days,
        hours=np.zeros_like(days),
        places=np.full(len(days), None, dtype=object),
        bag_starts=np.arange(len(days) + 1),
        bag=bought.ravel(),
        width=categories,
    )
