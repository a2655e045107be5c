"""A small training, the same in every process that asks for it."""

import numpy as np
from generated_histories import frame, habits

from sparkjobs.next_visit import Shape
from sparkjobs.sequences import Sequences, sequences_of
from sparkjobs.training import Recipe

CATEGORIES = [f"c{i:02d}" for i in range(6)]


def sequences(entities: int = 40) -> Sequences:
    return sequences_of(frame(habits(entities=entities, visits=30, categories=6)), CATEGORIES)


def ids_of(made: Sequences) -> np.ndarray:
    return np.zeros((made.visits, 1), dtype=np.int64)


def shape() -> Shape:
    return Shape(6, (2,), (7.0, 60.0), window=6, dim=8, layers=1, heads=2, dropout=0.2)


def recipe(epochs: int) -> Recipe:
    return Recipe(epochs, batch=8, learning_rate=0.01, weight_decay=0.01, context_dropout=0.3, seed=3)
