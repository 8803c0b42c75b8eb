"""Byte-level causal language modelling: predict every next byte of a text.

    loss = mean over n of  −ln p(b[n+1] | b[1], …, b[n])          bits_per_byte = loss / ln 2

Bits per byte do not depend on a tokeniser, so they compare across models and with compressors.

Shapes  B windows, N positions (the context)
"""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, TypeVar

from pydantic import Field

from itnet_nas.tasks import (
    Categorical,
    Domain,
    Metric,
    Recipe,
    Target,
    Task,
    TaskFacts,
    TaskParams,
    classification_loss,
    sum_bits,
)
from itnet_tasks.bytes_corpus import unscored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from itnet_nas.tasks import Batch, Split
    from itnet_tasks.bytes_corpus import Corpus

BYTES = 256
LR = 1.5e-2  # one for all families; `python_source` has the figures


class BytesParams(TaskParams):
    """What every task on bytes lets its user choose."""

    context: Annotated[
        int, Field(ge=2, le=65536, description="bytes that the network reads at once")
    ] = 64


P = TypeVar("P", bound=BytesParams)


class BytesTask(Task[P]):
    """A language model on some corpus; a subclass says which.

    Training reads random windows of the training text and scores every position. A split is judged
    on 384 windows, evenly spaced, whose first 32 positions (half the context, if that is less) are
    not scored.
    """

    licence: str
    source: str

    @abstractmethod
    def load(self) -> Corpus:
        """The texts. Raises DataUnavailable."""

    @cached_property
    def corpus(self) -> Corpus:
        """The texts, long enough for this context; the same ones for the life of this task."""
        found = self.load()
        found.check(self.params.context, self.source)
        return found

    @cached_property
    def _facts(self) -> TaskFacts:
        metric = Metric(
            name="bits_per_byte",
            direction="min",
            description="cross-entropy of the next byte, in bits",
            chance=8.0,
            baselines={"unigram": self.corpus.unigram},
        )
        return TaskFacts(
            domain=Domain(kind="sequence", shape=(self.params.context,), causal=True),
            inputs=(Categorical(classes=BYTES),),
            target=Target(where="per_position", kind="classes", size=BYTES),
            metrics=(metric,),
            recipe=Recipe(steps=300, batch_size=32, lr=LR),
            licence=self.licence,
            source=self.source,
            data=self.corpus.digest,
        )

    def facts(self) -> TaskFacts:
        return self._facts

    def train_batch(self, step: int, batch_size: int, seed: int) -> Batch:
        import torch

        from itnet_nas.tasks import Batch, generator

        last = len(self.corpus.parts["train"]) - self.params.context - 1
        start_B = torch.randint(0, last + 1, (batch_size,), generator=generator(seed, step))
        window_BN = self._windows("train", start_B)
        return Batch((window_BN[:, :-1],), window_BN[:, 1:])

    def eval_batches(self, split: Split, batch_size: int) -> Iterator[Batch]:
        import torch

        from itnet_nas.tasks import Batch

        starts = torch.from_numpy(self.corpus.starts(split, self.params.context))
        for first in range(0, len(starts), batch_size):
            window_BN = self._windows(split, starts[first : first + batch_size])
            target_BN = window_BN[:, 1:].clone()
            target_BN[:, : unscored(self.params.context)] = -100
            yield Batch((window_BN[:, :-1],), target_BN)

    def _windows(self, split: Split, start_B: Tensor) -> Tensor:
        """Windows of context + 1 bytes that begin at `start_B`: int64 (B, N + 1)."""
        import torch

        text = torch.from_numpy(self.corpus.parts[split])
        return text[start_B.unsqueeze(1) + torch.arange(self.params.context + 1)].long()

    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        return classification_loss(out, batch.target)

    def score(self, out: Tensor, batch: Batch) -> dict[str, tuple[float, float]]:
        return {"bits_per_byte": sum_bits(out, batch.target)}
