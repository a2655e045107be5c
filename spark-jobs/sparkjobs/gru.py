"""Recurrent models of TxT's width and depth, to tell what its transformer and its cross are worth.

They differ from TxT in two parts only: the past visits come to the last state of a GRU, in place of the pooled states
of a transformer; and the context is not seen at all (`GRU`), or multiplies that state by 1 + the sum of an embedding
per feature (`GRULatentCross`, after Beutel et al., WSDM 2018, "Latent Cross"; there a cross stands before the GRU, too,
which needs the context of the past visits, and that is an input of no model here).
"""

from torch import Tensor, nn

from sparkjobs.next_visit import NextVisitModel, Shape


class GRU(NextVisitModel):
    """As many GRU layers as TxT has cells, of the same width; no context."""

    def add_parts(self, shape: Shape) -> None:
        between = shape.dropout if shape.layers > 1 else 0.0
        self.encoder = nn.GRU(shape.dim, shape.dim, shape.layers, batch_first=True, dropout=between)
        self.drop = nn.Dropout(shape.dropout)
        self.cross_visits = nn.Linear(shape.dim, shape.dim)

    def encoded(self, steps: Tensor) -> Tensor:
        return self.drop(self.encoder(steps)[0])

    def crossed(self, summary: Tensor, _ids: Tensor) -> Tensor:
        return self.cross_visits(summary)


class GRULatentCross(GRU):
    """The same with the context as a latent cross; near 1 at the start."""

    def add_parts(self, shape: Shape) -> None:
        super().add_parts(shape)
        self.contexts = nn.ModuleList(nn.Embedding(size + 1, shape.dim) for size in shape.contexts)

    def initialise(self) -> None:
        for table in self.contexts:
            nn.init.normal_(table.weight, std=0.01)

    def crossed(self, summary: Tensor, ids: Tensor) -> Tensor:
        seen = super().crossed(summary, ids)
        return seen * (1.0 + sum(table(ids[:, k]) for k, table in enumerate(self.contexts)))
