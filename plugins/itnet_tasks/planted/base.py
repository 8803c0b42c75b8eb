"""What planted tasks share: where their examples come from, how they are scored, their recipe.

A task draws examples from a generator. With `n_train` the training set is that many examples, drawn
once; without it every training batch is drawn afresh, from a stream of its own for each step and
seed. Each split is 1,024 examples from a stream of its own, but `train` where the training set is
fixed. The rule that is planted (a kernel, a matrix, a table) has a fixed seed too, so that a
trial's seed changes initial weights and the order of training alone.

Shapes  B examples, N positions, C channels
"""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from itnet_nas.tasks import (
    Metric,
    Recipe,
    Target,
    Task,
    TaskFacts,
    TaskParams,
    classification_loss,
    count_errors,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from itnet_nas.tasks import Batch, Domain, Input, Split
    from itnet_tasks.planted.answer import LayerAnswer

HELD_OUT = 1024  # examples of a split
SEEDS: dict[Split, int] = {"train": 4, "validation": 999, "test": 1999}
FRESH = 7  # the first number of every stream that training batches are drawn from
IGNORED = -100  # a class that is not scored
SOLVED = 0.95


class Examples(NamedTuple):
    """What a batch is made of, one row for each example."""

    inputs: tuple[NDArray[Any], ...]  # int64 (B, N) or float32 (B, N, C)
    target: NDArray[Any]  # int64 (B, N) or float32 (B, N, C)

    def pick(self, rows: slice | NDArray[np.int64]) -> Examples:
        """Some of the rows."""
        return Examples(tuple(array[rows] for array in self.inputs), self.target[rows])


def stream(*seed: int) -> np.random.Generator:
    """A generator whose numbers are fixed by the tuple of integers."""
    return np.random.Generator(np.random.PCG64(seed))


class PlantedTask(Task[TaskParams]):
    """A rule, and how examples of it are drawn."""

    planted: ClassVar[tuple[LayerAnswer, ...]]
    domain: ClassVar[Domain]
    inputs: ClassVar[tuple[Input, ...]]
    steps: ClassVar[int]
    n_train: ClassVar[int | None] = None  # None: every training batch is drawn afresh

    @abstractmethod
    def draw(self, count: int, rng: np.random.Generator) -> Examples:
        """`count` examples; every position that teaches has a target."""

    @abstractmethod
    def target(self) -> Target:
        """What is said at each position."""

    @abstractmethod
    def metric(self) -> Metric:
        """What a search optimises."""

    def judged(self, target: NDArray[Any]) -> NDArray[Any]:
        """The targets that are scored, of those that teach: all, unless a task says otherwise."""
        return target

    @cached_property
    def _splits(self) -> dict[Split, Examples]:
        found: dict[Split, Examples] = {}
        for split, seed in SEEDS.items():
            fixed = self.n_train if split == "train" else None
            found[split] = self.draw(fixed or HELD_OUT, stream(seed))
        return found

    @cached_property
    def _facts(self) -> TaskFacts:
        digest = blake2b(digest_size=16)
        for examples in self._splits.values():
            for array in (*examples.inputs, examples.target):
                digest.update(array.tobytes())
        return TaskFacts(
            domain=self.domain,
            inputs=self.inputs,
            target=self.target(),
            metrics=(self.metric(),),
            recipe=Recipe(steps=self.steps, batch_size=64, lr=1e-2),
            licence="none needed: made of random numbers",
            source="drawn by this package; see the task's own page",
            data=digest.hexdigest(),
        )

    def facts(self) -> TaskFacts:
        return self._facts

    def train_batch(self, step: int, batch_size: int, seed: int) -> Batch:
        if self.n_train is None:
            return _batch(self.draw(batch_size, stream(FRESH, seed, step)))
        from itnet_nas.tasks import visit

        rows = visit(self.n_train, batch_size, seed, step).numpy()
        return _batch(self._splits["train"].pick(rows))

    def eval_batches(self, split: Split, batch_size: int) -> Iterator[Batch]:
        whole = self._splits[split]
        for first in range(0, len(whole.target), batch_size):
            found = whole.pick(slice(first, first + batch_size))
            yield _batch(Examples(found.inputs, self.judged(found.target)))


class PlantedClasses(PlantedTask):
    """A class at every position that is scored."""

    classes: ClassVar[int]
    ceiling: ClassVar[float] = 1.0

    def target(self) -> Target:
        return Target(where="per_position", kind="classes", size=self.classes)

    def metric(self) -> Metric:
        return Metric(
            name="accuracy",
            direction="max",
            description="fraction of scored positions that get the right class",
            chance=1 / self.classes,
            ceiling=self.ceiling,
            solved=SOLVED,
        )

    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        return classification_loss(out, batch.target)

    def score(self, out: Tensor, batch: Batch) -> dict[str, tuple[float, float]]:
        wrong, scored = count_errors(out, batch.target)
        return {"accuracy": (scored - wrong, scored)}


class PlantedReals(PlantedTask):
    """Numbers at every position, whose mean is 0 and whose variance is known from the rule.

    R² = 1 − mean (y − ŷ)² / mean Var y, over all positions and channels. The variance is that of
    the rule and not of a sample, so that the figure is a mean over examples, however they are cut
    into batches.
    """

    channels: ClassVar[int] = 1

    @abstractmethod
    def variance(self) -> float:
        """Var y, mean over positions and channels."""

    def noise(self) -> float:
        """The part of the variance that nobody can predict."""
        return 0.0

    def target(self) -> Target:
        return Target(where="per_position", kind="reals", size=self.channels)

    def metric(self) -> Metric:
        return Metric(
            name="r2",
            direction="max",
            description="explained part of the variance; 0 is the mean, 1 is exact",
            chance=0.0,
            ceiling=round(1 - self.noise() / self.variance(), 4),
            solved=SOLVED,
        )

    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        return (out.float() - batch.target).square().mean()

    def score(self, out: Tensor, batch: Batch) -> dict[str, tuple[float, float]]:
        squares = (out.detach().double() - batch.target).square()
        count = float(squares.numel())
        return {"r2": (count - float(squares.sum()) / self.variance(), count)}


def _batch(examples: Examples) -> Batch:
    import torch

    from itnet_nas.tasks import Batch

    inputs, target = examples
    return Batch(tuple(map(torch.from_numpy, inputs)), torch.from_numpy(target))
