"""What every trained next-visit model has in common: past visits in, one score per category of the next visit out.

A model says how it encodes the past visits and how it lets the context in; the embedding of categories, the entity's
own counts as a skip connection, the output tied to the embedding and the loss are the same for all, so that a
comparison compares these two parts only.
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


class NextVisitModel(nn.Module):
    """The whole model but for four methods. `forward` trains on every step of a window; `Serving` scores the step after
    the last visit."""

    def __init__(self, shape: Shape, popularity: Tensor) -> None:
        super().__init__()
        self.shape = shape
        dim = shape.dim
        self.categories = nn.Embedding(shape.categories, dim)
        self.start = nn.Parameter(torch.zeros(dim))
        self.gap = nn.Linear(1, dim)
        self.add_parts(shape)
        self.refine = nn.Sequential(nn.GELU(), nn.Dropout(shape.dropout), nn.Linear(dim, dim))
        self.norm = nn.LayerNorm(dim)
        self.bias = nn.Parameter(torch.zeros(shape.categories))
        self.scale = nn.Parameter(torch.tensor(0.1))
        self.skip = CountSkip(shape, popularity)
        nn.init.normal_(self.categories.weight, std=dim**-0.5)
        self.initialise()

    def add_parts(self, shape: Shape) -> None:
        """Makes the encoder of visits and what lets the context in."""
        raise NotImplementedError

    def initialise(self) -> None:
        """Sets the first weights of these parts where torch's own will not do."""

    def encoded(self, steps: Tensor) -> Tensor:
        """The start token and the past visits, oldest first [B, T, dim] -> states [B, T, dim], none looking ahead."""
        raise NotImplementedError

    def crossed(self, summary: Tensor, ids: Tensor) -> Tensor:
        """What the past comes to [N, S], seen in the context ids [N, K]; 0 is unknown -> [N, dim]."""
        raise NotImplementedError

    def summaries(self, states: Tensor) -> Tensor:
        """What the past comes to at each step: [B, T, dim] -> [B, T, S]; here the state itself."""
        return states

    def last_summary(self, states: Tensor, length: Tensor) -> Tensor:
        """The summary after `length` [B] visits, in operations that ONNX knows: [B, T, dim] -> [B, S]."""
        steps = torch.arange(states.shape[1], device=states.device)
        return (states * (steps[None, :] == length[:, None]).unsqueeze(-1)).sum(1)

    def encode(self, bags: Tensor, gaps: Tensor) -> Tensor:
        """Past visits, oldest first: bags [B, L, C] and gaps in days [B, L] -> states [B, L + 1, dim], none looking
        ahead; state i knows the first i visits."""
        sizes = bags.sum(-1, keepdim=True).clamp_min(1.0)
        visits = bags @ self.categories.weight / sizes.sqrt() + self.gap(gaps.log1p().unsqueeze(-1))
        return self.encoded(torch.cat([self.start.expand(bags.shape[0], 1, -1), visits], dim=1))

    def logits(self, summary: Tensor, ids: Tensor, counts: Tensor, visits: Tensor) -> Tensor:
        """summary [N, S], ids [N, K], counts [N, C, H], visits [N, H] -> [N, C]."""
        crossed = self.crossed(summary, ids)
        state = self.norm(crossed + self.refine(crossed))
        tied = state @ self.categories.weight.T * self.scale + self.bias
        return tied + self.skip(counts, visits, state, self.categories.weight)

    def forward(self, bags: Tensor, gaps: Tensor, ids: Tensor, counts: Tensor, visits: Tensor) -> Tensor:
        """Logits of every step of a window: bags [B, T - 1, C], gaps [B, T - 1], ids [B, T, K], counts [B, T, C, H],
        visits [B, T, H] -> [B, T, C]; step i is predicted from visits before it."""
        states = self.encode(bags, gaps)
        batch, steps = states.shape[:2]
        flat = [x.reshape(batch * steps, *x.shape[2:]) for x in (self.summaries(states), ids, counts, visits)]
        return self.logits(*flat).reshape(batch, steps, -1)


class Serving(nn.Module):
    """What is exported: scores of the visit after the last one. Same weights as `model`; no cummax, no dropout."""

    def __init__(self, model: NextVisitModel) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, bags: Tensor, gaps: Tensor, length: Tensor, ids: Tensor, counts: Tensor, visits: Tensor
    ) -> Tensor:
        """bags [B, L, C] and gaps [B, L] hold `length` [B] visits from the left, then padding; ids [B, K]; counts
        [B, C, H]; visits [B, H] -> scores [B, C]."""
        summary = self.model.last_summary(self.model.encode(bags, gaps), length)
        return self.model.logits(summary, ids, counts, visits)


INPUTS = ("bags", "gaps", "length", "ids", "counts", "visits")  # of Serving.forward, in this order


def loss_of(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy between the softmax of `logits` [N, C] and the normalised target sets (bool [N, C]).

    Rows without a target (padding, or only categories outside the vocabulary) do not count.
    """
    sizes = targets.sum(-1)
    each = -(logits.log_softmax(-1) * targets).sum(-1) / sizes.clamp_min(1)
    return each.sum() / (sizes > 0).sum().clamp_min(1)
