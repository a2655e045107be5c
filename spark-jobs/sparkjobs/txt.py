"""Transformer Cross Transformer (TxT): which categories does the next visit hold, given past visits and context.

After the model of analytics-zoo (pyzoo/zoo/models/recommendation/txt.py, arXiv 2010.06197), on purpose different in:
- a step of the sequence is a visit (a bag of categories and the days since the visit before), not a single item, and
  the loss is cross-entropy against the visit's set, each of its categories weighing the same;
- the encoder is causal, so that one pass trains every prefix; pooling sees real visits only (the original pools over
  padding too);
- latent cross is z * (1 + context) with context weights near zero at the start, so an unknown context changes little;
- the output is tied to the category embedding in place of a head of num_items / 2 units;
- a skip connection carries the entity's own decayed counts to the output (the original sees the last eight items only).
  Before training it ranks nearly as the decayed-frequency baseline does, and training moves on from there.
"""

import torch
from torch import Tensor, nn

from sparkjobs.next_visit import NextVisitModel, Shape


class Cell(nn.Module):
    """Pre-norm Transformer cell: attention, then a feed-forward of twice the width. [batch, steps, dim] -> same."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.scale = heads, (dim // heads) ** -0.5
        self.before_attention, self.before_feed = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.project, self.merge = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.feed = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * dim, dim))
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        batch, steps, dim = x.shape
        parts = self.project(self.before_attention(x)).reshape(batch, steps, 3, self.heads, dim // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        weights = query @ key.transpose(-1, -2) * self.scale
        if mask is not None:
            weights = weights.masked_fill(mask, float("-inf"))
        attended = (self.drop(weights.softmax(-1)) @ value).transpose(1, 2).reshape(batch, steps, dim)
        x = x + self.drop(self.merge(attended))
        return x + self.drop(self.feed(self.before_feed(x)))


class TxT(NextVisitModel):
    """A transformer over the visits, pooled by mean and maximum, times a transformer over the context's features."""

    def add_parts(self, shape: Shape) -> None:
        dim = shape.dim
        self.positions = nn.Parameter(torch.randn(shape.window, dim) * 0.02)
        self.encoder = nn.ModuleList(Cell(dim, shape.heads, shape.dropout) for _ in range(shape.layers))
        self.contexts = nn.ModuleList(nn.Embedding(size + 1, dim) for size in shape.contexts)
        self.context_cell = Cell(dim, 2 if dim % 2 == 0 else 1, shape.dropout)
        self.cross_visits, self.cross_context = nn.Linear(2 * dim, dim), nn.Linear(2 * dim, dim)

    def initialise(self) -> None:
        for table in self.contexts:
            nn.init.normal_(table.weight, std=self.shape.dim**-0.5)
        nn.init.normal_(self.cross_context.weight, std=0.01)
        nn.init.zeros_(self.cross_context.bias)

    def encoded(self, steps: Tensor) -> Tensor:
        x = steps + self.positions[: steps.shape[1]]
        step = torch.arange(x.shape[1], device=x.device)
        ahead = step[None, :] > step[:, None]
        for cell in self.encoder:
            x = cell(x, ahead)
        return x

    def summaries(self, states: Tensor) -> Tensor:
        seen = torch.arange(1, states.shape[1] + 1, device=states.device).unsqueeze(-1)
        return torch.cat([states.cumsum(1) / seen, states.cummax(1).values], dim=-1)

    def last_summary(self, states: Tensor, length: Tensor) -> Tensor:
        """Without the cummax, which ONNX does not know."""
        steps = torch.arange(states.shape[1], device=states.device)
        real = (steps[None, :] <= length[:, None]).unsqueeze(-1)
        mean = (states * real).sum(1) / (length + 1).unsqueeze(-1)
        return torch.cat([mean, states.masked_fill(~real, float("-inf")).amax(1)], dim=-1)

    def crossed(self, summary: Tensor, ids: Tensor) -> Tensor:
        seen = self.cross_visits(summary)
        return seen * (1.0 + self.context(ids)) if self.shape.contexts else seen

    def context(self, ids: Tensor) -> Tensor:
        """ids [N, K] -> [N, dim]; 0 is unknown."""
        tokens = torch.stack([table(ids[:, k]) for k, table in enumerate(self.contexts)], dim=1)
        seen = self.context_cell(tokens)
        return self.cross_context(torch.cat([seen.mean(1), seen.amax(1)], dim=-1))
