"""The models that can be trained, by the name that specs and evaluations use for them.

To add one: its class in a file of its own, its name and class here, and the name in orchestrator/kinds/training-job.ts.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparkjobs.next_visit import NextVisitModel

MODELS = ("txt", "gru", "gru-latent-cross")


def model_class(name: str) -> "type[NextVisitModel]":
    """The class of one of MODELS. Loads torch, which whoever only scores knows the names without."""
    from sparkjobs.gru import GRU, GRULatentCross
    from sparkjobs.txt import TxT

    return dict(zip(MODELS, (TxT, GRU, GRULatentCross), strict=True))[name]
