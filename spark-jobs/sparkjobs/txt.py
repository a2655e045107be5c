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

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    """Everything that decides the model's tensors."""

    categories: int
    contexts: tuple[int, ...]  # vocabulary size of each context feature; id 0 is "unknown" and not counted
    half_lives: tuple[float, ...]  # days, of the decayed counts
    window: int  # most visits looked back on, plus one for the start token
    dim: int = 64
    layers: int = 2
    heads: int = 4
    dropout: float = 0.3

    def document(self) -> dict[str, object]:
        return asdict(self)


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


class CountSkip(nn.Module):
    """Logit of a category from how often the entity bought it, at several half-lives at once.

    Each half-life gives the smoothed log frequency log((count + a * popularity) / (visits + a)). They are summed with
    weights of the category's own, and a small network, shared by all categories, adds what is not linear (such as
    "bought yesterday, so not due yet").
    """

    def __init__(self, shape: Shape, popularity: Tensor, hidden: int = 16) -> None:
        super().__init__()
        kept = len(shape.half_lives)
        self.register_buffer("popularity", popularity.clamp_min(1e-6))
        self.prior = nn.Parameter(torch.full((kept,), math.log(3.0)))
        start = torch.tensor([abs(math.log(half_life / 120.0)) for half_life in shape.half_lives]).argmin()
        self.weight = nn.Parameter(F.one_hot(start, kept).float())
        self.of_category = nn.Parameter(torch.zeros(shape.categories, kept))
        self.features = nn.Linear(kept, hidden)
        self.state = nn.Linear(shape.dim + kept, hidden)
        self.category = nn.Linear(shape.dim, hidden, bias=False)
        self.out = nn.Parameter(torch.zeros(hidden))

    def forward(self, counts: Tensor, visits: Tensor, state: Tensor, categories: Tensor) -> Tensor:
        """counts [..., C, H], visits [..., H], state [..., dim], categories [C, dim] -> logits [..., C]."""
        prior = self.prior.exp()
        rates = (counts + self.popularity[:, None] * prior) / (visits + prior).unsqueeze(-2)
        logs = rates.log()
        linear = (logs * (self.weight + self.of_category)).sum(-1)
        shopper = self.state(torch.cat([state, visits.log1p()], dim=-1))
        hidden = self.features(logs) + shopper.unsqueeze(-2) + self.category(categories)
        return linear + F.relu(hidden) @ self.out


class TxT(nn.Module):
    """The whole model. `forward` trains on every step of a window; `Serving` scores the step after the last visit."""

    def __init__(self, shape: Shape, popularity: Tensor) -> None:
        super().__init__()
        self.shape = shape
        dim = shape.dim
        self.categories = nn.Embedding(shape.categories, dim)
        self.start = nn.Parameter(torch.zeros(dim))
        self.gap = nn.Linear(1, dim)
        self.positions = nn.Parameter(torch.randn(shape.window, dim) * 0.02)
        self.encoder = nn.ModuleList(Cell(dim, shape.heads, shape.dropout) for _ in range(shape.layers))
        self.contexts = nn.ModuleList(nn.Embedding(size + 1, dim) for size in shape.contexts)
        self.context_cell = Cell(dim, 2 if dim % 2 == 0 else 1, shape.dropout)
        self.cross_visits, self.cross_context = nn.Linear(2 * dim, dim), nn.Linear(2 * dim, dim)
        self.refine = nn.Sequential(nn.GELU(), nn.Dropout(shape.dropout), nn.Linear(dim, dim))
        self.norm = nn.LayerNorm(dim)
        self.bias = nn.Parameter(torch.zeros(shape.categories))
        self.scale = nn.Parameter(torch.tensor(0.1))
        self.skip = CountSkip(shape, popularity)
        for table in [self.categories, *self.contexts]:
            nn.init.normal_(table.weight, std=dim**-0.5)
        nn.init.normal_(self.cross_context.weight, std=0.01)
        nn.init.zeros_(self.cross_context.bias)

    def encode(self, bags: Tensor, gaps: Tensor) -> Tensor:
        """Past visits, oldest first: bags [B, L, C] and gaps in days [B, L] -> states [B, L + 1, dim], none looking
        ahead; state i knows the first i visits."""
        sizes = bags.sum(-1, keepdim=True).clamp_min(1.0)
        visits = bags @ self.categories.weight / sizes.sqrt() + self.gap(gaps.log1p().unsqueeze(-1))
        x = torch.cat([self.start.expand(bags.shape[0], 1, -1), visits], dim=1)
        steps = x.shape[1]
        x = x + self.positions[:steps]
        step = torch.arange(steps, device=x.device)
        ahead = step[None, :] > step[:, None]
        for cell in self.encoder:
            x = cell(x, ahead)
        return x

    def context(self, ids: Tensor) -> Tensor:
        """ids [N, K] -> [N, dim]; 0 is unknown."""
        tokens = torch.stack([table(ids[:, k]) for k, table in enumerate(self.contexts)], dim=1)
        seen = self.context_cell(tokens)
        return self.cross_context(torch.cat([seen.mean(1), seen.amax(1)], dim=-1))

    def logits(self, pooled: Tensor, ids: Tensor, counts: Tensor, visits: Tensor) -> Tensor:
        """pooled [N, 2 dim], ids [N, K], counts [N, C, H], visits [N, H] -> [N, C]."""
        crossed = self.cross_visits(pooled)
        if self.shape.contexts:
            crossed = crossed * (1.0 + self.context(ids))
        state = self.norm(crossed + self.refine(crossed))
        tied = state @ self.categories.weight.T * self.scale + self.bias
        return tied + self.skip(counts, visits, state, self.categories.weight)

    def forward(self, bags: Tensor, gaps: Tensor, ids: Tensor, counts: Tensor, visits: Tensor) -> Tensor:
        """Logits of every step of a window: bags [B, T - 1, C], gaps [B, T - 1], ids [B, T, K], counts [B, T, C, H],
        visits [B, T, H] -> [B, T, C]; step i is predicted from visits before it."""
        states = self.encode(bags, gaps)
        batch, steps = states.shape[:2]
        seen = torch.arange(1, steps + 1, device=states.device).unsqueeze(-1)
        pooled = torch.cat([states.cumsum(1) / seen, states.cummax(1).values], dim=-1)
        flat = [x.reshape(batch * steps, *x.shape[2:]) for x in (pooled, ids, counts, visits)]
        return self.logits(*flat).reshape(batch, steps, -1)


class Serving(nn.Module):
    """What is exported: scores of the visit after the last one. Same weights as `model`; no cummax, no dropout."""

    def __init__(self, model: TxT) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, bags: Tensor, gaps: Tensor, length: Tensor, ids: Tensor, counts: Tensor, visits: Tensor
    ) -> Tensor:
        """bags [B, L, C] and gaps [B, L] hold `length` [B] visits from the left, then padding; ids [B, K]; counts
        [B, C, H]; visits [B, H] -> scores [B, C]."""
        states = self.model.encode(bags, gaps)
        steps = torch.arange(states.shape[1], device=states.device)
        real = (steps[None, :] <= length[:, None]).unsqueeze(-1)
        mean = (states * real).sum(1) / (length + 1).unsqueeze(-1)
        most = states.masked_fill(~real, float("-inf")).amax(1)
        return self.model.logits(torch.cat([mean, most], dim=-1), ids, counts, visits)


INPUTS = ("bags", "gaps", "length", "ids", "counts", "visits")  # of Serving.forward, in this order
OUTPUT = "scores"


def loss_of(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy between the softmax of `logits` [N, C] and the normalised target sets (bool [N, C]).

    Rows without a target (padding, or only categories outside the vocabulary) do not count.
    """
    sizes = targets.sum(-1)
    each = -(logits.log_softmax(-1) * targets).sum(-1) / sizes.clamp_min(1)
    return each.sum() / (sizes > 0).sum().clamp_min(1)
