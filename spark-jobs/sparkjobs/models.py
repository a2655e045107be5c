"""The models that can be trained, by the name that specs and evaluations use for them.

To add one: its class in a file of its own, a line here, and the name in orchestrator/kinds/training-job.ts.
"""

from sparkjobs.gru import GRU, GRULatentCross
from sparkjobs.next_visit import NextVisitModel
from sparkjobs.txt import TxT

MODELS: dict[str, type[NextVisitModel]] = {"txt": TxT, "gru": GRU, "gru-latent-cross": GRULatentCross}
